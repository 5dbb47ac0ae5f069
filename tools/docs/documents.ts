import { matching, type Tree } from "../tidy/tree.ts";
import { dirname, join, normalize } from "node:path/posix";

/** A fenced block of a document. */
export interface Block {
  readonly file: string;
  /** Line of the opening fence, from 1. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
  /** Path in the HTML comment two lines above the fence: the file that the block shows. */
  readonly shows: string | undefined;
}

/** The documents that people read: the root README, apps/docs without the generated part, and package READMEs. */
export function documents(tree: Tree): string[] {
  return matching(tree, /\.md$/).filter((file) => !file.startsWith("apps/docs/operators/"));
}

/** Fenced blocks of a document, in order. */
export function blocks(tree: Tree, file: string): Block[] {
  const lines = tree.read(file).split("\n");
  const fences = lines.flatMap((line, at) => (line.startsWith("```") ? [at] : []));
  return fences.flatMap((open, index) => {
    const close = fences[index + 1];
    if (index % 2 === 1 || close === undefined) return [];
    return {
      file,
      line: open + 1,
      language: lines[open]!.slice(3).trim(),
      text: `${lines.slice(open + 1, close).join("\n")}\n`,
      shows: /^<!-- (\S+) -->$/.exec(lines[open - 2] ?? "")?.[1],
    };
  });
}

/** The pipeline specs among the JSON blocks. */
export function specs(tree: Tree): Block[] {
  return documents(tree)
    .flatMap((file) => blocks(tree, file))
    .filter(({ language, text }) => language === "json" && "sources" in (JSON.parse(text) as object));
}

/** TypeScript blocks of the root README and of apps/docs that do not show a file, or not as it is. */
export function staleBlocks(tree: Tree): string[] {
  return documents(tree)
    .filter((file) => file === "README.md" || file.startsWith("apps/docs/"))
    .flatMap((file) => blocks(tree, file))
    .filter(({ language }) => language === "ts")
    .filter(({ shows, text }) => shows === undefined || !tree.files.includes(shows) || tree.read(shows) !== text)
    .map(({ file, line, shows }) => `${file}:${line}: does not show ${shows ?? "a file; name one in a comment above"}`);
}

/** Links to files that are not there. */
export function brokenLinks(tree: Tree): string[] {
  return documents(tree).flatMap((file) =>
    [...tree.read(file).matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g)]
      .map((found) => found[1] ?? "")
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => !exists(tree, normalize(join(dirname(file), target)).replace(/\/$/, "")))
      .map((target) => `${file}: there is no ${target}`),
  );
}

function exists(tree: Tree, path: string): boolean {
  return tree.files.some((file) => file === path || file.startsWith(`${path}/`));
}
