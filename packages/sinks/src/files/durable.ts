import { mkdir, open, rename, rm, rmdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/** Makes the names in a folder survive a power failure. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Creates a folder with its parents; each new one is synced into its parent. */
export async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made));
}

/** Size of a file in bytes, or null when there is none. */
export async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw thrown;
  }
}

/** Moves a file within one file system, replacing what is there. The caller syncs the folder. */
export const move: (from: string, to: string) => Promise<void> = rename;

/** Removes a folder with what it holds, then its parents up to and including `top` as long as they are empty. */
export async function removeUpTo(path: string, top: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
  for (let parent = dirname(path); parent.length >= top.length; parent = dirname(parent)) {
    try {
      await rmdir(parent);
    } catch {
      return;
    }
  }
}
