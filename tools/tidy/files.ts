import { basename } from "node:path/posix";
import { lineAt, matching, type Tree } from "./tree.ts";

/** Source files that no other file but their test mentions by name, and Rust modules that nobody declares. */
export function deadFiles(tree: Tree): string[] {
  return [...deadTypeScript(tree), ...deadRust(tree)];
}

// Mentioned by a tool's own convention, not by another file.
const conventional = /(^|\/)(index|main|vitest\.config)\.ts$|\.(test|spark)\.ts$|\.d\.ts$/;

function deadTypeScript(tree: Tree): string[] {
  const texts = matching(tree, /\.(ts|tsx|mjs|js|json|sh|md)$|\.ci\/run$/)
    .filter((file) => !file.endsWith("package-lock.json"))
    .map((file) => ({ file, text: tree.read(file) }));
  return matching(tree, /\.(ts|tsx|mjs)$/)
    .filter((file) => !conventional.test(file))
    .filter((file) => {
      const name = basename(file).replace(/\.(ts|tsx|mjs)$/, "");
      const mention = new RegExp(`[/"'\`]${name.replaceAll(".", "\\.")}(\\.(js|ts|tsx|mjs))?["'\`\\s)]`);
      // Rules exist for their tests.
      const tested = file.startsWith("tools/") ? "" : file.replace(/\.(ts|tsx|mjs)$/, ".test.ts");
      return !texts.some((other) => other.file !== file && other.file !== tested && mention.test(other.text));
    })
    .map((file) => `${file}: nothing uses this file`);
}

function deadRust(tree: Tree): string[] {
  const files = matching(tree, /^native\/crates\/[^/]+\/src\/.*\.rs$/);
  return files
    .filter((file) => !/\/(lib|main)\.rs$|\/src\/bin\//.test(file))
    .filter((file) => {
      const crate = file.slice(0, file.indexOf("/src/") + 5);
      const name = file.endsWith("/mod.rs") ? file.split("/").at(-2) : basename(file, ".rs");
      const declaration = new RegExp(`^\\s*(pub(\\([a-z]+\\))? )?mod ${name};|#\\[path = ".*${name}\\.rs"\\]`, "m");
      return !files.some((other) => other.startsWith(crate) && declaration.test(tree.read(other)));
    })
    .map((file) => `${file}: no module declares this file`);
}

const text = /\.(ts|tsx|mjs|js|json|jsonc|rs|toml|md|yml|yaml|py|html|css|sh)$|(^|\/)(Dockerfile|\.npmrc|run)$/;

// By shape, so that this file names no machine and no registry itself.
const places: readonly [RegExp, string][] = [
  [/(?<![\w./-])\/(home|root|work|Users|mnt)\/[\w.-]+/g, "a path of one machine"],
  [/\b[A-Z]:\\\\?Users\\/g, "a path of one machine"],
  [
    /\b(registry|index|static|proxy|repo1?|files|deb|mirrors?)\.[a-z0-9-]+\.(org|io|com|net)\b/g,
    "a package registry's host",
  ],
];

/** Absolute paths of a machine and hosts of package registries, in any text file. */
export function machinePlaces(tree: Tree): string[] {
  return matching(tree, text).flatMap((file) => {
    const content = tree.read(file);
    return places.flatMap(([pattern, what]) =>
      [...content.matchAll(pattern)].map((found) => `${file}:${lineAt(content, found.index)}: ${what}: ${found[0]}`),
    );
  });
}

/** The addon is loaded in packages/bindings and nowhere else. */
export function addonUses(tree: Tree): string[] {
  return matching(tree, /^(packages|apps)\/.*\.(ts|tsx|js|mjs)$/)
    .filter((file) => !file.startsWith("packages/bindings/"))
    .flatMap((file) => {
      const content = tree.read(file);
      return [...content.matchAll(/["'`]@sferic\/native["'`/]|\.node["'`]|process\.dlopen/g)].map(
        (found) => `${file}:${lineAt(content, found.index)}: only packages/bindings loads the addon`,
      );
    });
}
