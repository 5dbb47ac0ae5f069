import { batches } from "@sferic/bindings/batch";
import { type Batch, OperatorError, type Schema } from "@sferic/operator";
import { Data, Field, Schema as ArrowSchema, type StructRowProxy, Table, Vector } from "apache-arrow";

/** The values of every column, in order, null where there is none. Exact: 64-bit integers and times are bigint. */
export type Cells = Readonly<Record<string, readonly unknown[]>>;

/** The cells of a batch. Leaves it open. */
export function cellsOf(batch: Batch): Cells {
  const table = batch.toArrow();
  const cells = batch.schema.columns.map(({ name }) => [name, fixedWidth(batch, name) ?? nested(table, name)] as const);
  return Object.fromEntries(cells);
}

function fixedWidth(batch: Batch, name: string): unknown[] | null {
  try {
    const { values, validity } = batch.column(name);
    return Array.from(values as ArrayLike<unknown>, (value, row) => (validity?.[row] === 0 ? null : value));
  } catch (thrown) {
    if (thrown instanceof OperatorError && thrown.code === "column-type") return null;
    throw thrown;
  }
}

function nested(table: Table, name: string): unknown[] {
  return Array.from(table.getChild(name)!, plain);
}

function plain(value: unknown): unknown {
  if (value instanceof Vector) return Array.from(value, plain);
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex");
  if (typeof value === "object" && value !== null && "toJSON" in value) {
    const entries = Object.entries((value as StructRowProxy).toJSON());
    return Object.fromEntries(entries.map(([key, inner]) => [key, plain(inner)]));
  }
  return value;
}

/** Rows as text, one line each, for comparing rows without regard to their order. Leaves the batch open. */
export function rowTexts(batch: Batch): string[] {
  const columns = Object.values(cellsOf(batch));
  return Array.from({ length: batch.rowCount }, (_, row) => columns.map((column) => cellText(column[row])).join("|"));
}

function cellText(value: unknown): string {
  if (typeof value === "number" || typeof value === "bigint") return Object.is(value, -0) ? "-0" : String(value);
  return JSON.stringify(value);
}

/** The rows in batches of `rowsPerBatch`; the last may be shorter. Leaves its input open. */
export function cut(batch: Batch, rowsPerBatch: number): Batch[] {
  const table = batch.toArrow();
  const starts = Array.from({ length: Math.ceil(batch.rowCount / rowsPerBatch) }, (_, index) => index * rowsPerBatch);
  return starts.map((start) => batches.fromArrow(table.slice(start, start + rowsPerBatch)));
}

/** The first rows of a batch, at most `count`. Closes its input. */
export function firstRows(batch: Batch, count: number): Batch {
  const taken = batches.fromArrow(batch.toArrow().slice(0, count));
  batch.close();
  return taken;
}

/** No rows of this schema. */
export function noRows(schema: Schema): Batch {
  return batches.concat([], schema);
}

/** The rows with every column nullable, and null where `isNull` says so. Leaves its input open. */
export function withNulls(batch: Batch, isNull: (row: number) => boolean): Batch {
  const table = batch.toArrow();
  const validity = new Uint8Array(Math.ceil(batch.rowCount / 64) * 8);
  let nullCount = 0;
  for (let row = 0; row < batch.rowCount; row++) {
    if (isNull(row)) nullCount += 1;
    else validity[row >> 3]! |= 1 << (row & 7);
  }
  const fields = table.schema.fields.map(({ name, type, metadata }) => new Field(name, type, true, metadata));
  const columns = fields.map(({ name }) => nulled(table.getChild(name)!.data[0]!, validity, nullCount));
  const vectors = columns.map((column, index) => [fields[index]!.name, new Vector([column])]);
  return batches.fromArrow(new Table(new ArrowSchema(fields), Object.fromEntries(vectors)));
}

function nulled(
  { type, offset, length, valueOffsets, values, typeIds, children, dictionary }: Data,
  validity: Uint8Array,
  nullCount: number,
): Data {
  const buffers = { 0: valueOffsets, 1: values, 2: validity, 3: typeIds };
  return new Data(type, offset, length, nullCount, buffers, children, dictionary);
}

/** Whether a handle was closed. */
export function isClosed(batch: Batch): boolean {
  try {
    return batch.rowCount < 0;
  } catch (thrown) {
    if (thrown instanceof OperatorError && thrown.code === "batch-closed") return true;
    throw thrown;
  }
}

/** The batches one after the other. */
export async function* streamOf(rows: readonly Batch[]): AsyncGenerator<Batch> {
  yield* rows;
}

/** The same rows again and again until the signal aborts, and then its reason, as a channel of the engine does. */
export async function* endless(batch: Batch, signal: AbortSignal): AsyncGenerator<Batch> {
  for (;;) {
    signal.throwIfAborted();
    yield batch.share();
    await new Promise((resolve) => setImmediate(resolve));
  }
}
