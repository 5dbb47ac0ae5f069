import type { Batch, ConfigProblem, FileSummary, InputRead, InvalidInput, ReadRequest, Schema } from "@sferic/operator";
import { fromHandle, handleOf, toNativeColumns, toSchema } from "./batch.ts";
import { unwrapped, unwrapping } from "./errors.ts";
import { itemsOf, toNativeRequest } from "./formats.ts";
import * as native from "./native.ts";

/** What is wanted of a Delta table. */
export interface DeltaWish {
  /** Columns of the rows. */
  readonly schema: Schema;
  /** Columns whose values cut the rows into files; of a table that is there, none or its own. */
  readonly partitionBy: readonly string[];
  /** Whether columns that the table does not have are added to it. */
  readonly mergeSchema: boolean;
}

/** How rows are written into a table. */
export interface DeltaPlan {
  /** Columns of the rows, as the table stores them. */
  readonly schema: Schema;
  readonly partitionBy: readonly string[];
}

/** Rows that go into one file. */
export interface DeltaPart {
  /** Values of the partition columns as the log has them. */
  readonly values: readonly (string | null)[];
  /** The other columns. */
  readonly batch: Batch;
}

/** A data file that is complete, in the folder of the table. */
export interface DeltaFile {
  readonly name: string;
  readonly bytes: number;
  readonly values: readonly (string | null)[];
  /** As the writer of the file gave them. */
  readonly stats: string;
}

/** Files to become part of a table, once. */
export interface DeltaAppend {
  /** Folder of the table, absolute. */
  readonly table: string;
  readonly wish: DeltaWish;
  /** Who writes; versions of one writer only grow. */
  readonly appId: string;
  readonly version: number;
  readonly files: readonly DeltaFile[];
  /** Where a commit is written before it gets its name, on the disk of the table. */
  readonly temporary: string;
}

/** Writes one data file. */
export interface DeltaFileWriter {
  /** Does not close the batch. */
  write(batch: Batch): Promise<void>;
  /** Completes, syncs and verifies the file; `stats` is what the log says of it, as JSON. */
  finish(): Promise<FileSummary & { readonly stats: string }>;
  abort(): void;
}

/** Columns that Delta Lake cannot hold, as `unsupported-type`, with what to do as hint. */
export function deltaProblems(schema: Schema): ConfigProblem[] {
  const refusals = unwrapping(() => native.deltaRefusals(toNativeColumns(schema)));
  return refusals.map(({ column, reason, hint }) => ({
    code: "unsupported-type",
    message: `column "${column}" ${reason}; ${hint}`,
    pointer: "/from",
  }));
}

/**
 * How rows fit the table in a folder as it is, or a new one where none is. Reads the log since its last checkpoint.
 * Throws `unsupported-type`, `schema-mismatch`, `unsupported-table` and `invalid-table`.
 */
export async function planDelta(table: string, wish: DeltaWish): Promise<DeltaPlan> {
  const { columns, partitionBy } = await unwrapped(native.planDelta(table, toNativeWish(wish)));
  return { schema: toSchema(columns), partitionBy };
}

/** The rows as the table stores them, cut by partition. Leaves its input open; the caller closes the parts. */
export async function deltaParts(batch: Batch, { schema, partitionBy }: DeltaPlan): Promise<DeltaPart[]> {
  const plan = { columns: toNativeColumns(schema), partitionBy: [...partitionBy] };
  const parts = await unwrapped(native.deltaParts(handleOf(batch), plan));
  return parts.map(({ values, batch: rows }) => ({
    values: values.map((value) => value ?? null),
    batch: fromHandle(rows),
  }));
}

/** Starts a data file with the columns of its rows; what is at `path` is replaced. */
export async function createDeltaFile(path: string, schema: Schema, compression: string): Promise<DeltaFileWriter> {
  const writer = await unwrapped(native.createDeltaFile(path, toNativeColumns(schema), compression));
  return {
    write: (batch) => unwrapped(writer.write(handleOf(batch))),
    finish: () => unwrapped(writer.finish()),
    abort: () => writer.abort(),
  };
}

/**
 * Adds the files to the table in one commit with the writer's version, and creates the table or adds columns with it;
 * harmless to repeat. The version of the table, or null when it had the files before. Throws `fenced` when the writer's
 * version has other files, `table-busy` after 100 attempts, and what {@link planDelta} does.
 */
export async function appendDelta({ wish, files, ...append }: DeltaAppend): Promise<number | null> {
  const named = files.map(({ values, ...file }) => ({ ...file, values: values.map((value) => value ?? undefined) }));
  return unwrapped(native.appendDelta({ ...append, wish: toNativeWish(wish), files: named }));
}

/** Which version of a table: of this number, or the last one at or before a time; the newest when neither is given. */
export interface DeltaAt {
  readonly version?: number;
  /** Milliseconds since 1970. */
  readonly timeMs?: number;
}

/** A version of a table. */
export interface DeltaVersion {
  readonly version: number;
  /** Another one once the table is made anew. */
  readonly id: string;
  readonly schema: Schema;
  readonly partitionBy: readonly string[];
}

/**
 * A version of the table in a folder; null where no table is. Throws `no-version` for one that is not in the log,
 * `unsupported-table` and `invalid-table`.
 */
export async function openDelta(table: string, at: DeltaAt = {}): Promise<DeltaVersion | null> {
  const opened = await unwrapped(native.openDelta(table, { ...at }));
  if (opened === null) return null;
  const { columns, ...version } = opened;
  return { ...version, schema: toSchema(columns) };
}

/** Where a stream begins: with all rows of a version, or with what comes behind one; -1 for before the first. */
export type DeltaOrigin = { readonly whole: number } | { readonly after: number };

/** How far a stream was read: a version, and how many of its files; all when that is absent. */
export interface DeltaPosition {
  readonly version: number;
  readonly files?: number;
}

/** A range that can be read. */
export interface DeltaRange {
  readonly end: DeltaPosition;
  readonly files: number;
}

/** The rows that a table gets, file by file in the order of the versions. To be closed. */
export class DeltaStream implements Disposable {
  readonly #handle: native.NativeDeltaStream;

  /** `skipsChanges`: whether versions that take rows away are passed over, instead of ending the stream. */
  constructor(table: string, skipsChanges: boolean) {
    this.#handle = new native.NativeDeltaStream(table, skipsChanges);
  }

  /**
   * The range behind `from`, within the bounds and up to `until`; null when there is none, and one of no files where only
   * versions without new rows are passed. Throws `data-gone` and `source-changed`.
   */
  async nextRange(
    origin: DeltaOrigin,
    from: DeltaPosition | null,
    until: DeltaPosition,
    bounds: { readonly files?: number; readonly bytes?: number },
  ): Promise<DeltaRange | null> {
    return unwrapped(this.#handle.nextRange({ ...origin }, from, until, bounds));
  }

  /**
   * The rows behind `from` up to `to`, and at the end how many bytes were read. A file that cannot be decoded is an invalid
   * input. Conditions that are part of the request must be the same in all calls. Throws as {@link DeltaStream.nextRange}.
   */
  async *read(
    origin: DeltaOrigin,
    from: DeltaPosition | null,
    to: DeltaPosition,
    request: ReadRequest,
    signal?: AbortSignal,
  ): AsyncGenerator<Batch | InvalidInput | InputRead> {
    const { reader, bytes } = await unwrapped(this.#handle.read({ ...origin }, from, to, toNativeRequest(request)));
    try {
      yield* itemsOf(reader, signal);
    } finally {
      reader.close();
    }
    yield { bytesRead: bytes };
  }

  [Symbol.dispose](): void {
    this.#handle.close();
  }
}

function toNativeWish({ schema, partitionBy, mergeSchema }: DeltaWish): native.NativeDeltaWish {
  return { columns: toNativeColumns(schema), partitionBy: [...partitionBy], mergeSchema };
}
