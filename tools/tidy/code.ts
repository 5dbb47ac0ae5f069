import { type Node, parseSync, Visitor } from "oxc-parser";
import { basename } from "node:path/posix";
import { lineAt, matching, type Tree } from "./tree.ts";

const linesMax = 70;
const reason = /Long because/;

/** Functions of more than 70 lines without a comment that begins "Long because". Tests are free to be tables. */
export function longFunctions(tree: Tree): string[] {
  const typeScript = matching(tree, /^(packages|apps|tools)\/.*\.(ts|tsx|mjs)$/)
    .filter((file) => !file.endsWith(".test.ts"))
    .flatMap((file) => longTypeScript(file, tree.read(file)));
  const rust = matching(tree, /^native\/(crates\/[^/]+\/src|fuzz)\/.*\.rs$/).flatMap((file) =>
    longRust(file, tree.read(file)),
  );
  return [...typeScript, ...rust];
}

function longTypeScript(file: string, text: string): string[] {
  const { program, comments } = parseSync(file, text);
  const problems: string[] = [];
  const visit = ({ start, end }: Node): void => {
    const first = lineAt(text, start);
    const count = lineAt(text, end) - first + 1;
    if (count <= linesMax) return;
    const explained = comments.some(
      (comment) => reason.test(comment.value) && comment.end <= end && first - lineAt(text, comment.end) <= 1,
    );
    if (!explained) problems.push(tooLong(file, first, count));
  };
  new Visitor({ FunctionDeclaration: visit, FunctionExpression: visit, ArrowFunctionExpression: visit }).visit(program);
  return problems;
}

/** rustfmt puts the closing brace under the first word of the function. */
function longRust(file: string, text: string): string[] {
  const lines = text.split("\n");
  return lines.flatMap((line, first) => {
    const indent = line.match(/^( *)(pub(\([a-z]+\))? )?((const|async|unsafe|extern "C") )*fn /)?.[1];
    if (indent === undefined || line.endsWith(";") || line.endsWith("}")) return [];
    const last = lines.findIndex((other, at) => at > first && (other === `${indent}}` || other === `${indent});`));
    const count = last - first + 1;
    if (count <= linesMax) return [];
    const before = lines.slice(Math.max(0, first - 12), first + 2).filter((other) => /^\s*\/\//.test(other));
    return before.some((other) => reason.test(other)) ? [] : [tooLong(file, first + 1, count)];
  });
}

function tooLong(file: string, line: number, count: number): string {
  return `${file}:${line}: a function of ${count} lines; split it or begin a comment above it with "Long because"`;
}

/** Words that name nothing; what a thing does is its name. */
const empty = new Set(["manager", "managers", "helper", "helpers", "util", "utils", "utility", "utilities", "misc"]);

const declared =
  /\b(?:function|class|interface|type|enum|const|let|fn|struct|trait|mod|static|namespace)\s+([A-Za-z_]\w*)/g;

/** Files and declared names made of words that say nothing. */
export function emptyWords(tree: Tree): string[] {
  const files = matching(tree, /^(packages|apps|tools|native)\/.*\.(ts|tsx|mjs|rs)$/);
  return files
    .filter((file) => !file.endsWith(".test.ts"))
    .flatMap((file) => {
      const text = tree.read(file);
      const inPath = file.split("/").filter((part) => wordsOf(basename(part)).some((word) => empty.has(word)));
      const inText = [...text.matchAll(declared)].filter((found) =>
        wordsOf(found[1] ?? "").some((word) => empty.has(word)),
      );
      return [
        ...inPath.map((part) => `${file}: say what "${part}" does`),
        ...inText.map((found) => `${file}:${lineAt(text, found.index)}: say what "${found[1]}" does`),
      ];
    });
}

function wordsOf(name: string): string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/);
}
