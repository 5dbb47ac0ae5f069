import type { Table } from "apache-arrow";
import type { Schema } from "./schema.ts";

/** Values of one fixed-width column. 64-bit integers and timestamps come as BigInt64Array or BigUint64Array. */
export type ColumnValues =
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

/** One column of a batch as seen from JavaScript. */
export interface ColumnView {
  readonly values: ColumnValues;
  /** One byte per row, 1 = valid; absent when no value is null. */
  readonly validity?: Uint8Array;
}

/**
 * A record batch owned by the native core; this object is a handle. The rows stay in Rust until someone asks for them.
 * Whoever receives a batch closes it or hands it on; every method but `close` throws `batch-closed` afterwards.
 */
export interface Batch {
  readonly schema: Schema;
  readonly rowCount: number;
  /** Bytes of the Arrow buffers. */
  readonly byteLength: number;
  /** Copy of a fixed-width column; throws `unknown-column` or `column-type` (for text, nested and boolean columns). */
  column(name: string): ColumnView;
  /** The whole batch as an apache-arrow Table; copies every value. */
  toArrow(): Table;
  /** A second handle to the same rows, closed on its own. No copy. */
  share(): Batch;
  /** Lets go of the rows. Closing twice is harmless. */
  close(): void;
}

/** Makes batches from data that was born in JavaScript. */
export interface BatchFactory {
  /** Takes in a Table by Arrow IPC; one copy. */
  fromArrow(table: Table): Batch;
  /**
   * Rows given as objects of the JSON that `rowsOf` makes; a missing field is null. For the few rows that are born
   * in JavaScript, not for data. Throws `invalid-rows`, whose `details.problems` hold a `ConfigProblem` for each value
   * that its column cannot hold, with a pointer that begins with the index of the row.
   */
  fromRows(schema: Schema, rows: readonly Readonly<Record<string, unknown>>[]): Batch;
  /** All rows of the batches, in order, as one; `schema` says what to return when there are none. Closes its input. */
  concat(batches: readonly Batch[], schema: Schema): Batch;
  /** The largest time of a timestamp column in milliseconds since 1970, rounded down; null without a time. */
  latestEventTimeMs(batch: Batch, column: string): number | null;
  /**
   * The rows whose time in a timestamp column is at most `limitMs`, in milliseconds since 1970, or that have none, and the later
   * ones. Copies the rows; does not close the batch.
   */
  splitByEventTime(batch: Batch, column: string, limitMs: number): { readonly rows: Batch; readonly later: Batch };
}

/** Whether a value is a {@link Batch} handle, and not an apache-arrow Table. */
export function isBatch(value: unknown): value is Batch {
  return typeof value === "object" && value !== null && "share" in value && "close" in value && "rowCount" in value;
}
