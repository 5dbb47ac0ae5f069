import type { FileContent } from "@sferic/operator";

/** Identity of one file: what tells that its bytes are still the ones that were planned to be read. */
export interface FileEntry {
  /** Path below the store's root, with `/`; what makes a file seen. */
  readonly key: string;
  readonly size: number;
  /** Modification time in nanoseconds as decimal text, or the entity tag of an object store. */
  readonly version: string;
  /** For a file that is reached through a link: where it is, as a path from the root. It is seen by this, too. */
  readonly target?: string;
}

/** A place that holds files: a folder, or a bucket of an object store. Local folders are the one kind there is so far. */
export interface FileStore {
  /**
   * Keys of the data files the URL means, in the order of their names, without those that are taken; some may turn out to be
   * no files. Parts that begin with `.` or `_` are data only where the URL says so. A file that is reached in several ways has one key.
   */
  keys(isTaken?: (key: string) => boolean): Promise<string[]>;
  /** Identities as they are now, in the order of the keys; what is not a file, or no longer there, is left out. */
  entries(keys: readonly string[]): Promise<FileEntry[]>;
  /** Throws `source-changed` when a file is gone or is not the one that was listed. */
  requireUnchanged(entries: readonly FileEntry[]): Promise<void>;
  /** As {@link requireUnchanged}, then what decoders need of the file. */
  open(entry: FileEntry): Promise<FileContent>;
  /** The name that the content of this key has. */
  nameOf(key: string): string;
}
