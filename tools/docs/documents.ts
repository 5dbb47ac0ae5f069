import { matching, type Tree } from "../tidy/tree.ts";
import { dirname, join, normalize } from "node:path/posix";

/** A fenced block of a document. */
export interface Block {
  readonly file: string;
  /** Line of the opening fence, from 1. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
  /** `<!-- path -->` two lines above the fence: a file of the repository that the block shows. */
  readonly shows: string | undefined;
  /** `<!-- file: path -->` there: where a reader keeps the block. */
  readonly keptAs: string | undefined;
  /** `<!-- not run: reason -->` there. */
  readonly notRun: string | undefined;
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
    const mark = /^<!-- (.+) -->$/.exec(lines[open - 2] ?? "")?.[1];
    return {
      file,
      line: open + 1,
      language: lines[open]!.slice(3).trim(),
      text: `${lines.slice(open + 1, close).join("\n")}\n`,
      shows: /^\S+$/.exec(mark ?? "")?.[0],
      keptAs: /^file: (\S+)$/.exec(mark ?? "")?.[1],
      notRun: /^not run: (.+)$/.exec(mark ?? "")?.[1],
    };
  });
}

/** The documents whose blocks a reader follows: the root README and apps/docs without the generated part. */
export function guides(tree: Tree): string[] {
  return documents(tree).filter((file) => file === "README.md" || file.startsWith("apps/docs/"));
}

/** Blocks of guides that nothing runs, shows, keeps or explains, and specs that are kept and then not used. */
export function idleBlocks(tree: Tree): string[] {
  return guides(tree).flatMap((file) => {
    const all = blocks(tree, file);
    const commands = all.filter(({ language }) => language === "sh").map(({ text }) => text);
    return all.flatMap(({ line, language, shows, keptAs, notRun }) => {
      // A block without a language is a drawing; text is what the commands above it print.
      if (["", "sh", "text"].includes(language) || shows !== undefined || notRun !== undefined) return [];
      if (keptAs === undefined)
        return [`${file}:${line}: nothing runs this ${language}; say where it is kept, or why not`];
      const isUsed = commands.some((text) => text.includes(keptAs.replace(/\.test\.ts$|\.ts$/, "")));
      return isUsed ? [] : [`${file}:${line}: no command uses ${keptAs}`];
    });
  });
}

/** TypeScript blocks of the root README and of apps/docs that do not show a file, or not as it is. */
export function staleBlocks(tree: Tree): string[] {
  return guides(tree)
    .flatMap((file) => blocks(tree, file))
    .filter(({ language, keptAs, notRun }) => language === "ts" && (keptAs ?? notRun) === undefined)
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
