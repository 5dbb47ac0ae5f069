import { realpathSync, statSync } from "node:fs";
import { join, relative, sep } from "node:path";
import type { FileEntry } from "./file-store.ts";

/**
 * The files of an epoch that was planned from another root, as they are named from `root`: by their paths, and by where they
 * are if links lead there. A file that is not below `root` has a key that begins with `..`. One that is gone and lies below
 * `root` under its name, with its size and time, was moved there and keeps its name.
 */
export function movedEntries(entries: readonly FileEntry[], from: string, root: string): FileEntry[] {
  const [realFrom, realRoot] = [realOf(from), realOf(root)];
  return entries.map(({ target, ...entry }) => {
    if (wasMoved(entry, from, root)) return entry;
    const key = keyFrom(root, join(from, entry.key));
    const real = keyFrom(realRoot, join(realFrom, target ?? entry.key));
    return { ...entry, key, ...(real === key ? {} : { target: real }) };
  });
}

function wasMoved({ key, size, version }: FileEntry, from: string, root: string): boolean {
  const options = { bigint: true, throwIfNoEntry: false } as const;
  if (statSync(join(from, key), options) !== undefined) return false;
  const found = statSync(join(root, key), options);
  return found !== undefined && found.size === BigInt(size) && String(found.mtimeNs) === version;
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
