import { access, constants, readFile, stat } from "node:fs/promises";
import { basename, join, sep } from "node:path";
import { OperatorError, type FileContent } from "@sferic/operator";
import { type FileEntry, type FileStore, isData } from "./file-store.ts";
import { matchingFiles } from "./matching-files.ts";

/** Characters that make a path a pattern. */
const wildcard = /[*?[{]/;

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

  async list(): Promise<FileEntry[]> {
    const keys = await this.#keys();
    const entries = await Promise.all(keys.map((key) => this.#entry(key)));
    return entries.filter((entry) => entry !== null).toSorted((a, b) => (a.key < b.key ? -1 : 1));
  }

  async open(entry: FileEntry): Promise<FileContent> {
    const current = await this.#entry(entry.key);
    const path = join(this.#root, entry.key);
    if (current === null || current.size !== entry.size || current.version !== entry.version) {
      throw changed(path, current === null ? "is gone" : "has changed");
    }
    return { name: this.nameOf(entry.key), path, byteLength: entry.size, bytes: () => readFile(path) };
  }

  nameOf(key: string): string {
    return basename(join(this.#root, key));
  }

  async #keys(): Promise<string[]> {
    const root = await absentAsNull(stat(this.#root));
    if (root === null) return [];
    // A pattern matches nothing in a folder that may not be read, without a word.
    await access(this.#root, constants.R_OK);
    if (this.#pattern === "" && !root.isDirectory()) return [""];
    const keys = await matchingFiles(this.#root, this.#pattern || "**");
    return keys.filter(isData);
  }

  /** Null for what is not a file, or no longer there. */
  async #entry(key: string): Promise<FileEntry | null> {
    const found = await absentAsNull(stat(join(this.#root, key), { bigint: true }));
    if (found === null || !found.isFile()) return null;
    return { key, size: Number(found.size), version: String(found.mtimeNs) };
  }
}

function changed(path: string, how: string): OperatorError {
  const message = `${path} ${how} since it was planned to be read. Put the planned file back, or reset the checkpoint.`;
  return new OperatorError({ code: "source-changed", message, domain: "external", details: { path } });
}

async function absentAsNull<T>(pending: Promise<T>): Promise<T | null> {
  try {
    return await pending;
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw thrown;
  }
}
