import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** Files of a repository as the rules see them: the real one, or one made up by a test. */
export interface Tree {
  /** Paths from the root with forward slashes, sorted. */
  readonly files: readonly string[];
  read(file: string): string;
}

export const root: string = resolve(import.meta.dirname, "../..");

/** A tree from paths and contents, to show a rule something that breaks it. */
export function madeUp(contents: Readonly<Record<string, string>>): Tree {
  return {
    files: Object.keys(contents).toSorted(),
    read: (file) => {
      const text = contents[file];
      if (text === undefined) throw new Error(`There is no ${file}.`);
      return text;
    },
  };
}

/** Everything in this checkout that is committed or could be: not what .gitignore names. */
export function checkout(): Tree {
  const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  const cache = new Map<string, string>();
  return {
    files: listed
      .split("\0")
      .filter((file) => file !== "" && existsSync(join(root, file)))
      .toSorted(),
    read: (file) => {
      const text = cache.get(file) ?? readFileSync(join(root, file), "utf8");
      cache.set(file, text);
      return text;
    },
  };
}

/** The files whose path matches. */
export function matching(tree: Tree, pattern: RegExp): string[] {
  return tree.files.filter((file) => pattern.test(file));
}

/** Line number, from 1, of an offset into a text. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

/** What a workspace says about itself in its package.json. */
export interface Workspace {
  readonly folder: string;
  readonly name: string;
  /** From the tag `layer:…`; empty without one. */
  readonly layer: string;
  readonly dependencies: ReadonlySet<string>;
  readonly devDependencies: ReadonlySet<string>;
  readonly manifest: Readonly<Record<string, unknown>>;
}

interface Manifest {
  readonly name: string;
  readonly nx?: { readonly tags?: readonly string[] };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** The workspaces of a tree, by folder. */
export function workspaces(tree: Tree): Workspace[] {
  return matching(tree, /^(packages\/[^/]+|apps\/[^/]+|native)\/package\.json$/).map((file) => {
    const manifest = JSON.parse(tree.read(file)) as Manifest;
    return {
      folder: file.slice(0, -"/package.json".length),
      name: manifest.name,
      layer: manifest.nx?.tags?.find((tag) => tag.startsWith("layer:"))?.slice("layer:".length) ?? "",
      dependencies: new Set(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })),
      devDependencies: new Set(Object.keys(manifest.devDependencies ?? {})),
      manifest: manifest as unknown as Record<string, unknown>,
    };
  });
}
