import type { Definition } from "@sferic/operator";
import { fieldsOf } from "../docs/reference.ts";
import { lineAt, matching, type Tree } from "./tree.ts";

const folders = /^packages\/(sources|formats|transforms|sinks)\/src\/[^/]+\.ts$/;
const declaration = /\bdefine(Source|Format|Transform|Sink)\(\{[\s\S]{0,200}?\btype: "([^"]+)"/g;

/** Operator files that are not named for the type they declare, declare several, or have no test beside them. */
export function operatorFiles(tree: Tree): string[] {
  return matching(tree, folders)
    .filter((file) => !file.endsWith(".test.ts"))
    .flatMap((file) => {
      const text = tree.read(file);
      const found = [...text.matchAll(declaration)];
      if (found.length === 0) return [];
      const name = file.slice(file.lastIndexOf("/") + 1, -".ts".length);
      const misnamed = found
        .filter((match) => match[2] !== name)
        .map(
          (match) => `${file}:${lineAt(text, match.index)}: declares "${match[2]}"; a file is named for its operator`,
        );
      const untested = tree.files.includes(file.replace(/\.ts$/, ".test.ts")) ? [] : [`${file}: has no test beside it`];
      return [...misnamed, ...untested];
    });
}

/** `kind type` of every operator declared in a file, to hold against the catalog. */
export function declaredOperators(tree: Tree): string[] {
  return matching(tree, folders)
    .filter((file) => !file.endsWith(".test.ts"))
    .flatMap((file) => [...tree.read(file).matchAll(declaration)])
    .map((match) => `${match[1]?.toLowerCase()} ${match[2]}`)
    .toSorted();
}

/** What a declaration lacks to be read by a stranger: a sentence, an example, described fields, stable codes. */
export function incompleteDeclarations(all: readonly Definition[]): string[] {
  return all.flatMap((definition) => {
    const say = (problem: string): string => `${definition.kind} ${definition.type}: ${problem}`;
    const undescribed = fieldsOf(definition).filter(({ schema }) => (schema.description ?? "").trim() === "");
    return [
      ...(/^[A-Z].*\.$/.test(definition.summary) ? [] : [say("the summary is not a sentence")]),
      ...(definition.examples.length > 0 ? [] : [say("has no example")]),
      ...undescribed.map(({ path }) => say(`the field ${path} has no description`)),
      ...[definition.type, ...definition.errors]
        .filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name))
        .map((name) => say(`"${name}" is not kebab-case`)),
    ];
  });
}
