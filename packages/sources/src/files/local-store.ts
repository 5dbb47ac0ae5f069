import { statSync } from "node:fs";
import { access, constants, readFile, stat } from "node:fs/promises";
import { basename, join, sep } from "node:path";
import { setImmediate } from "node:timers/promises";
import { OperatorError, type FileContent } from "@sferic/operator";
import type { FileEntry, FileStore } from "./file-store.ts";
import { isEscaped, localPath, shownName } from "./local-path.ts";
import { matchingFiles, type MatchingFile } from "./matching-files.ts";
import { byName } from "./name-order.ts";

/** Characters that make a path a pattern. */
const wildcard = /[*?[{]/;

/** How many files are looked at before other work has its turn: one call each is ten times cheaper than a promise each. */
const keysPerTurn = 512;

/** What a local store may be told. */
export interface LocalStoreOptions {
  /** Whether a pattern means folders, with all files below them. */
  readonly ofFolders?: boolean;
  /** Called for what the URL means but nobody can read: its path, and why. */
  readonly onPassedOver?: (path: string, reason: string) => void;
  /** Called in each listing that passes over names because they begin with `_` or `.`: their paths from the root. */
  readonly onHidden?: (paths: readonly string[]) => void;
}

/** Files of the local file system: one file, a folder with all below it, or a glob. */
export class LocalStore implements FileStore {
  /** What was given. */
  readonly path: string;
  /** The path before its first part with a pattern. */
  readonly root: string;
  readonly #pattern: string;
  readonly #onHidden: (paths: readonly string[]) => void;
  readonly #onPassedOver: (path: string, reason: string) => void;
  /** Where linked files are, by their key. */
  #targets = new Map<string, string>();

  /** `path` is absolute. */
  constructor(
    path: string,
    { ofFolders = false, onPassedOver = () => {}, onHidden = () => {} }: LocalStoreOptions = {},
  ) {
    this.path = path;
    const parts = path.split(sep);
    const firstWild = parts.findIndex((part) => wildcard.test(part));
    this.root = firstWild === -1 ? path : parts.slice(0, firstWild).join(sep) || sep;
    this.#pattern = firstWild === -1 ? "" : [...parts.slice(firstWild), ...(ofFolders ? ["**"] : [])].join("/");
    this.#onPassedOver = onPassedOver;
    this.#onHidden = onHidden;
  }

  /** Whether {@link root} is there. */
  async exists(): Promise<boolean> {
    return (await absentAsNull(stat(this.root))) !== null;
  }

  async keys(isTaken: (key: string) => boolean = () => false): Promise<string[]> {
    const matches = await this.#matches({ isTaken });
    this.#targets = new Map(matches.flatMap(({ path, target }) => (target === undefined ? [] : [[path, target]])));
    return matches
      .map(({ path }) => path)
      .filter((key) => !isTaken(key))
      .toSorted(byName);
  }

  /** Whether anything matches: cheaper than all keys. */
  async hasAny(): Promise<boolean> {
    return (await this.#matches({ most: 1 })).length > 0;
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
      throw changed(this.#shownPath(key), current === null ? "is gone" : "has changed");
    }
  }

  async open(entry: FileEntry): Promise<FileContent> {
    await this.requireUnchanged([entry]);
    const path = localPath(this.root, entry.key);
    // A path that is not UTF-8 can be opened here only.
    const place = typeof path === "string" ? { path } : {};
    return { name: this.nameOf(entry.key), ...place, byteLength: entry.size, bytes: () => readFile(path) };
  }

  nameOf(key: string): string {
    return basename(this.#shownPath(key));
  }

  async #matches({
    isTaken = () => false,
    most,
  }: {
    isTaken?: (key: string) => boolean;
    most?: number;
  }): Promise<MatchingFile[]> {
    const root = await absentAsNull(stat(this.root));
    if (root === null) return [];
    // A pattern matches nothing in a folder that may not be read, without a word.
    await access(this.root, constants.R_OK);
    if (this.#pattern === "" && !root.isDirectory()) return isTaken("") ? [] : [{ path: "" }];
    return matchingFiles(this.root, this.#pattern || "**", {
      isLeftOut: isTaken,
      onBrokenLink: (path, reason) => this.#onPassedOver(this.#shownPath(path), reason),
      onHidden: this.#onHidden,
      ...(meansFiles(this.#pattern) ? { onFolder: (path: string) => this.#reportFolder(path) } : {}),
      ...(most === undefined ? {} : { most }),
    });
  }

  #reportFolder(key: string): void {
    this.#onPassedOver(this.#shownPath(key), 'is a folder (to read what is in it, end the pattern with "/**")');
  }

  /** Null for what is not a file, or no longer there. */
  #entry(key: string): FileEntry | null {
    const found = absentAsNullSync(() => statSync(localPath(this.root, key), { bigint: true }));
    if (found === null || found.isDirectory()) return null;
    if (!found.isFile()) {
      this.#onPassedOver(this.#shownPath(key), "is neither a file nor a folder");
      return null;
    }
    const target = this.#targets.get(key);
    const place = target === undefined ? {} : { target };
    return { key, size: Number(found.size), version: String(found.mtimeNs), ...place };
  }

  #shownPath(key: string): string {
    const path = join(this.root, key);
    return isEscaped(path) ? shownName(path) : path;
  }
}

/** Whether whoever writes a pattern such as `*.csv` may miss a folder of that name, as `**` enters all. */
function meansFiles(pattern: string): boolean {
  return /\.[^/.*?[{]+$/.test(pattern) && !pattern.includes("**");
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
