import { realpathSync } from "node:fs";
import { join, relative, sep } from "node:path";
import type { FileEntry } from "./file-store.ts";

/**
 * The files of an epoch that was planned from another root, as they are named from `root`: by their paths, and by where they
 * are if links lead there. A file that is not below `root` has a key that begins with `..`.
 */
export function movedEntries(entries: readonly FileEntry[], from: string, root: string): FileEntry[] {
  const [realFrom, realRoot] = [realOf(from), realOf(root)];
  return entries.map(({ target, ...entry }) => {
    const key = keyFrom(root, join(from, entry.key));
    const real = keyFrom(realRoot, join(realFrom, target ?? entry.key));
    return { ...entry, key, ...(real === key ? {} : { target: real }) };
  });
}

function keyFrom(root: string, path: string): string {
  return relative(root, path).replaceAll(sep, "/");
}

/** The path itself where nothing is there. */
function realOf(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}
