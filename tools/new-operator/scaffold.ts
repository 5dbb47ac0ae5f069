import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Kinds of operators that can be scaffolded, each with a template of its name. */
export const kinds = ["source", "format", "transform", "sink"] as const;
export type Kind = (typeof kinds)[number];

/** A new operator: files by their path from the root, and the line of the catalog. */
export interface Scaffold {
  readonly files: Readonly<Record<string, string>>;
  readonly catalogLine: string;
}

/** Fills the templates of a kind in; `type` is kebab-case. Throws for another `kind` or `type`. */
export function scaffold(kind: string, type: string): Scaffold {
  if (!kinds.some((known) => known === kind)) throw new Error(`"${kind}" is not one of ${kinds.join(", ")}.`);
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(type)) throw new Error(`"${type}" is not a kebab-case name.`);
  const name = type.replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  const folder = `packages/${kind}s/src`;
  const fill = (template: string) =>
    readFileSync(join(import.meta.dirname, "templates", template), "utf8")
      .replaceAll("template-name", type)
      .replaceAll("templateName", name)
      .replaceAll(`"./${kind}.ts"`, `"./${type}.ts"`);
  return {
    files: { [`${folder}/${type}.ts`]: fill(`${kind}.ts`), [`${folder}/${type}.test.ts`]: fill(`${kind}.test.ts`) },
    catalogLine: `  { kind: "${kind}", type: "${type}", load: async () => (await import("@sferic/${kind}s/${type}")).${name} },`,
  };
}

/** The catalog with one more line, after the last one of the same kind. Throws when there is no place for it. */
export function addToCatalog(catalog: string, kind: string, line: string): string {
  const lines = catalog.split("\n");
  const last = lines.findLastIndex((other) => other.includes(`kind: "${kind}"`));
  const end = lines.findIndex((other, at) => at >= last && other.endsWith("},"));
  if (last < 0 || end < 0) throw new Error(`The catalog has no ${kind} after which to put the new one.`);
  return lines.toSpliced(end + 1, 0, line).join("\n");
}
