import type { Dirent } from "node:fs";
import { glob, readdir, stat } from "node:fs/promises";
import { join, matchesGlob } from "node:path";

const wildcard = /[*?[{]/;

/**
 * Paths below a folder that match a glob, with `/`, in no order; some may not be files. Only folders that can match are
 * opened: several times faster than the general `glob` of Node where there are many of them. Folders and files whose
 * name begins with `.` or `_` are passed over by wildcards. What `isLeftOut` knows is not compared with the pattern, which
 * costs more than to know it, and may be missing.
 */
export async function matchingFiles(
  root: string,
  pattern: string,
  isLeftOut: (path: string) => boolean = () => false,
): Promise<string[]> {
  // A choice between paths cannot be matched folder by folder.
  if (/\{[^}]*\//.test(pattern)) return Array.fromAsync(glob(pattern, { cwd: root }));
  const found = new Set<string>();
  await walk({ root, isLeftOut, found }, "", pattern.split("/"));
  return [...found];
}

interface Search {
  readonly root: string;
  readonly isLeftOut: (path: string) => boolean;
  readonly found: Set<string>;
}

async function walk(search: Search, folder: string, pattern: readonly string[]): Promise<void> {
  const { root, isLeftOut, found } = search;
  const [part, ...rest] = pattern as [string, ...string[]];
  if (!wildcard.test(part)) {
    const path = below(folder, part);
    if (rest.length > 0) return walk(search, path, rest);
    found.add(path);
    return;
  }
  const entries = await entriesOf(join(root, folder));
  if (part === "**") {
    // Links are not followed here: one may lead back to where it is.
    const folders = entries.filter((entry) => entry.isDirectory());
    const deeper = folders.map((entry) => walk(search, below(folder, entry.name), pattern));
    const here = walk(search, folder, rest.length === 0 ? ["*"] : rest);
    await Promise.all([here, ...deeper]);
    return;
  }
  if (rest.length === 0) {
    for (const entry of entries) {
      const path = below(folder, entry.name);
      if (!entry.isDirectory() && !isLeftOut(path) && matchesGlob(entry.name, part)) found.add(path);
    }
    return;
  }
  const matching = entries.filter(({ name }) => matchesGlob(name, part));
  await Promise.all(
    matching.map(async (entry) => {
      const path = below(folder, entry.name);
      if (await isFolder(entry, join(root, path))) await walk(search, path, rest);
    }),
  );
}

function below(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

async function isFolder(entry: Dirent, path: string): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  return stat(path).then(
    (target) => target.isDirectory(),
    () => false,
  );
}

/** Nothing for what is not a folder, or is no longer there. */
async function entriesOf(path: string): Promise<Dirent[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.filter(({ name }) => !name.startsWith(".") && !name.startsWith("_"));
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw thrown;
  }
}
