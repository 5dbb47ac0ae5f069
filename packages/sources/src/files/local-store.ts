import { statSync } from "node:fs";
import { access, constants, readFile, stat } from "node:fs/promises";
import { basename, join, sep } from "node:path";
import { setImmediate } from "node:timers/promises";
import { OperatorError, type FileContent } from "@sferic/operator";
import { type FileEntry, type FileStore, isData } from "./file-store.ts";
import { matchingFiles } from "./matching-files.ts";

/** Characters that make a path a pattern. */
const wildcard = /[*?[{]/;

/** How many files are looked at before other work has its turn: one call each is ten times cheaper than a promise each. */
const keysPerTurn = 512;

/** Files of the local file system: one file, a folder with all below it, or a glob. */
export class LocalStore implements FileStore {
  readonly #root: string;
  readonly #pattern: string;

  /** `path` is absolute; `ofFolders` says that a pattern means folders, with all files below them. */
  constructor(path: string, ofFolders = false) {
    const parts = path.split(sep);
    const firstWild = parts.findIndex((part) => wildcard.test(part));
    this.#root = firstWild === -1 ? path : parts.slice(0, firstWild).join(sep) || sep;
    this.#pattern = firstWild === -1 ? "" : [...parts.slice(firstWild), ...(ofFolders ? ["**"] : [])].join("/");
  }

  async keys(isTaken: (key: string) => boolean = () => false): Promise<string[]> {
    const root = await absentAsNull(stat(this.#root));
    if (root === null) return [];
    // A pattern matches nothing in a folder that may not be read, without a word.
    await access(this.#root, constants.R_OK);
    if (this.#pattern === "" && !root.isDirectory()) return isTaken("") ? [] : [""];
    const keys = await matchingFiles(this.#root, this.#pattern || "**", isTaken);
    return keys.filter((key) => isData(key) && !isTaken(key)).toSorted(byText);
  }

  async entries(keys: readonly string[]): Promise<FileEntry[]> {
    const entries: FileEntry[] = [];
    for (let first = 0; first < keys.length; first += keysPerTurn) {
      if (first > 0) await setImmediate();
      for (const key of keys.slice(first, first + keysPerTurn)) {
        const entry = this.#entry(key);
        if (entry !== null) entries.push(entry);
      }
    }
    return entries;
  }

  async requireUnchanged(entries: readonly FileEntry[]): Promise<void> {
    for (const { key, size, version } of entries) {
      const current = this.#entry(key);
      if (current?.size === size && current.version === version) continue;
      throw changed(join(this.#root, key), current === null ? "is gone" : "has changed");
    }
  }

  async open(entry: FileEntry): Promise<FileContent> {
    await this.requireUnchanged([entry]);
    const path = join(this.#root, entry.key);
    return { name: this.nameOf(entry.key), path, byteLength: entry.size, bytes: () => readFile(path) };
  }

  nameOf(key: string): string {
    return basename(join(this.#root, key));
  }

  /** Null for what is not a file, or no longer there. */
  #entry(key: string): FileEntry | null {
    const found = absentAsNullSync(() => statSync(join(this.#root, key), { bigint: true }));
    if (found === null || !found.isFile()) return null;
    return { key, size: Number(found.size), version: String(found.mtimeNs) };
  }
}

function changed(path: string, how: string): OperatorError {
  const message = `${path} ${how} since it was planned to be read. Put the planned file back, or reset the checkpoint.`;
  return new OperatorError({ code: "source-changed", message, domain: "external", details: { path } });
}

async function absentAsNull<T>(pending: Promise<T>): Promise<T | null> {
  return pending.catch(nullIfAbsent);
}

function absentAsNullSync<T>(call: () => T): T | null {
  try {
    return call();
  } catch (thrown) {
    return nullIfAbsent(thrown);
  }
}

function nullIfAbsent(thrown: unknown): null {
  const code = (thrown as NodeJS.ErrnoException).code;
  if (code === "ENOENT" || code === "ENOTDIR") return null;
  throw thrown;
}

function byText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
