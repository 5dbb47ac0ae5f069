/**
 * File operations that survive a power failure: what stage, publish and checkpoint records are made of.
 */
import {
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  unlink,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { OperatorError } from "./errors.ts";

/** Syncs a folder, so that names created or removed in it survive a power failure. */
export async function syncDirectory(path: string): Promise<void> {
  await withFile(path, "r", (handle) => handle.sync());
}

/** Folders that are synced beside each other: each waits for the disk. */
const syncingCount = 16;

/** As {@link syncDirectory}, of many. */
export async function syncDirectories(paths: Iterable<string>): Promise<void> {
  const rest = [...paths].values();
  const work = async (): Promise<void> => {
    for (const path of rest) await syncDirectory(path);
  };
  await Promise.all(Array.from({ length: syncingCount }, work));
}

/** A folder that is synced often, and so stays open from its first sync until it is closed. */
export class SyncedFolder {
  readonly path: string;
  #handle: Promise<FileHandle> | null = null;

  /** Opens nothing yet. */
  constructor(path: string) {
    this.path = path;
  }

  /** As {@link syncDirectory}. Another folder that has come in its place meanwhile is not synced. */
  async sync(): Promise<void> {
    this.#handle ??= open(this.path, "r");
    await (await this.#handle).sync();
  }

  /** May be synced again afterwards. */
  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    await (await handle?.catch(() => null))?.close();
  }
}

/**
 * Syncs every folder above a path. What another process made and died before it could sync is there to see, and is gone
 * after a power failure; so whoever builds on it syncs it first. Folders that this user may not open are left out.
 */
export async function syncAncestors(path: string): Promise<void> {
  const above = dirname(path);
  await syncIfAllowed(above);
  if (above !== path) await syncAncestors(above);
}

/**
 * Creates a folder and its parents, each new one synced into its own parent, and so is one that is there.
 * Throws `not-a-folder`, naming the path, where a file is in the way.
 */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code;
    if (code === "EEXIST" && (await stat(path)).isDirectory()) return syncIfAllowed(dirname(path));
    if (code === "EEXIST" || code === "ENOTDIR") throw await inTheWay(path, thrown);
    // Not mkdir's own `recursive`: it never ends where a parent exists and still refuses, as in /proc.
    if (code !== "ENOENT" || dirname(path) === path) throw thrown;
    await makeDirectory(dirname(path));
    await mkdir(path).catch(unless("EEXIST"));
  }
  await syncDirectory(dirname(path));
}

/**
 * Creates folders below a folder that is there, given by their paths from it with `/`, and those between; names of folders
 * are on the disk afterwards, whoever made them. Throws as {@link makeDirectory}.
 */
export async function makeDirectoriesIn(root: string, folders: readonly string[]): Promise<void> {
  const paths = new Set(folders.flatMap(withParents));
  for (const path of paths) await mkdirUnlessThere(join(root, path));
  await syncDirectories(new Set([...paths].map((path) => dirname(join(root, path)))));
}

async function mkdirUnlessThere(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code ?? "";
    if (code === "EEXIST" && (await stat(path)).isDirectory()) return;
    if (!["EEXIST", "ENOTDIR", "ENOENT"].includes(code)) throw thrown;
    // Makes what is missing above it, or says what is in the way.
    await makeDirectory(path);
  }
}

/** `a/b` gives `a` and `a/b`. */
function withParents(path: string): string[] {
  const names = path.split("/");
  return names.map((_, index) => names.slice(0, index + 1).join("/"));
}

/** How a file is created that others may look for at the same time. */
export interface DurableCreation {
  /** Name until the file is whole. Writers that may meet need names of their own. Default `<path>.tmp`. */
  readonly temporary?: string;
  /** The folder that the file is created in, where it is kept open. */
  readonly folder?: SyncedFolder;
}

/**
 * Writes a file that is there whole or not at all: temporary name, sync, link without overwriting, folder synced.
 * Rejects with EEXIST when the file is already there.
 */
export async function createDurably(path: string, text: string, creation: DurableCreation = {}): Promise<void> {
  const { temporary = `${path}.tmp`, folder } = creation;
  try {
    await writeSynced(temporary, text);
    await link(temporary, path);
  } finally {
    await unlink(temporary).catch(unless("ENOENT"));
  }
  await (folder === undefined ? syncDirectory(dirname(path)) : folder.sync());
}

/** As {@link createDurably}, in the place of what is there. */
export async function replaceDurably(
  path: string,
  text: string,
  { temporary = `${path}.tmp` }: Pick<DurableCreation, "temporary"> = {},
): Promise<void> {
  try {
    await writeSynced(temporary, text);
    await rename(temporary, path);
  } finally {
    await remove(temporary);
  }
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

/** Size of a file in bytes, or null when there is none. */
export async function sizeOf(path: string): Promise<number | null> {
  return (await absentAs(null, stat(path)))?.size ?? null;
}

/** Removes a folder if it is there and empty. */
export async function removeIfEmpty(path: string): Promise<void> {
  try {
    await rmdir(path);
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code ?? "";
    if (!["ENOENT", "ENOTEMPTY", "EEXIST"].includes(code)) throw thrown;
  }
}

/** The error for a path of which some part is there and no folder. */
async function inTheWay(path: string, cause: unknown): Promise<OperatorError> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  if (!isThere && dirname(path) !== path) return inTheWay(dirname(path), cause);
  const message = `${path} is a file, but a folder is needed there. Move the file away, or choose another path.`;
  return new OperatorError({ code: "not-a-folder", message, domain: "external", details: { path } }, { cause });
}

async function absentAs<T>(absent: T, pending: Promise<T>): Promise<T> {
  return (await pending.catch(unless("ENOENT"))) ?? absent;
}

/** What a user may not open, that user has not changed either. */
function syncIfAllowed(path: string): Promise<void> {
  return syncDirectory(path).catch(unless("EACCES", "EPERM", "EINVAL"));
}

/** Swallows a failure with one of these codes; every other one is thrown on. */
function unless(...codes: string[]): (thrown: unknown) => undefined {
  return (thrown) => {
    if (!codes.includes((thrown as NodeJS.ErrnoException).code ?? "")) throw thrown;
  };
}

function writeSynced(path: string, text: string): Promise<void> {
  return withFile(path, "w", async (handle) => {
    await handle.writeFile(text);
    await handle.sync();
  });
}

async function withFile<T>(path: string, flags: string, use: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await open(path, flags);
  try {
    return await use(handle);
  } catch (thrown) {
    // What goes wrong with an open file does not say with which.
    if (thrown instanceof Error && !thrown.message.includes(path)) thrown.message += ` '${path}'`;
    throw thrown;
  } finally {
    await handle.close();
  }
}
