import { type FileHandle, link, mkdir, open, readdir, readFile, rename, rm, unlink } from "node:fs/promises";
import { dirname } from "node:path";

/** Syncs a folder, so that names created or removed in it survive a power failure. */
export async function syncDirectory(path: string): Promise<void> {
  await withFile(path, "r", (handle) => handle.sync());
}

/** Creates a folder and its parents, each of them synced into its own parent. */
export async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made));
}

/**
 * Writes a file that is there whole or not at all: temporary name, sync, link without overwriting, folder synced.
 * Rejects with EEXIST when the file is already there.
 */
export async function createDurably(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp-${process.pid}`;
  await withFile(temporary, "w", async (handle) => {
    await handle.writeFile(text);
    await handle.sync();
  });
  try {
    await link(temporary, path);
  } finally {
    await unlink(temporary);
  }
  await syncDirectory(dirname(path));
}

/** As {@link createDurably}, in the place of what is there. */
export async function replaceDurably(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp-${process.pid}`;
  await withFile(temporary, "w", async (handle) => {
    await handle.writeFile(text);
    await handle.sync();
  });
  await rename(temporary, path);
  await syncDirectory(dirname(path));
}

/** Names in a folder, sorted; none when the folder does not exist. */
export async function namesIn(path: string): Promise<string[]> {
  return (await absentAs([], readdir(path))).toSorted();
}

/** Text of a file, or null when there is none. */
export function textOf(path: string): Promise<string | null> {
  return absentAs(null, readFile(path, "utf8"));
}

/** Removes a file or a folder with all it holds, if it is there. */
export function remove(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true });
}

async function absentAs<T>(absent: T, pending: Promise<T>): Promise<T> {
  try {
    return await pending;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return absent;
    throw thrown;
  }
}

async function withFile<T>(path: string, flags: string, use: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await open(path, flags);
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}
