import { batches } from "@sferic/bindings/batch";
import { canLookUp, Lookup, type LookupParams } from "@sferic/bindings/lookup";
import type { Batch, Schema } from "@sferic/operator";
import { coalesced } from "./coalesced.ts";
import { inOrder } from "./in-order.ts";
import type { KnownRows } from "./known-rows.ts";

/** How large a table may be that rows are looked up in; a larger one is joined by a query, which spills. */
const tableRowsMax = 1_000_000;
const tableBytesMax = 32 * 1024 * 1024;

/** How many matches a row may have: a batch of results has at most so many times the rows of a batch. */
const matchesMax = 16;

/** The right rows of a join as a table to look up in, where their types, number and keys allow it, or else the same rows again. */
export async function lookupOrRows(
  left: Schema,
  right: KnownRows,
  params: LookupParams,
): Promise<{ readonly lookup: Lookup } | KnownRows> {
  if (!isLookup(left, right.schema, params)) return right;
  const small = await smallTable(right);
  if (!("table" in small)) return small;
  const lookup = await Lookup.build(small.table.share(), params);
  if (lookup.matchesMax > matchesMax) {
    lookup.close();
    return { ...right, rows: only(small.table) };
  }
  small.table.close();
  return { lookup };
}

/** Whether rows of these columns can be looked up: the keys' types allow it, and no column changes its type. */
function isLookup(left: Schema, right: Schema, { keys, columns, result }: LookupParams): boolean {
  const typeOf = (schema: Schema, position: number): string => schema.columns[position]!.type;
  const sameKeys = keys.every(([l, r]) => typeOf(left, l) === typeOf(right, r) && canLookUp(typeOf(left, l)));
  const sameTypes = columns.every((column, position) => {
    const given = "left" in column ? typeOf(left, column.left) : typeOf(right, column.right);
    return given === typeOf(result, position);
  });
  return sameKeys && sameTypes;
}

/** All rows of an input as one batch where they are few, or else the same rows again. */
async function smallTable({ schema, rows }: KnownRows): Promise<{ readonly table: Batch } | KnownRows> {
  const taken: Batch[] = [];
  let [count, bytes] = [0, 0];
  const more = rows[Symbol.asyncIterator]();
  try {
    for (let next = await more.next(); ; next = await more.next()) {
      if (next.done === true) return { table: batches.concat(taken, schema) };
      taken.push(next.value);
      count += next.value.rowCount;
      bytes += next.value.byteLength;
      if (count > tableRowsMax || bytes > tableBytesMax) return { schema, rows: joined(taken, more) };
    }
  } catch (thrown) {
    for (const batch of taken) batch.close();
    throw thrown;
  }
}

async function* joined(taken: Batch[], more: AsyncIterator<Batch>): AsyncGenerator<Batch> {
  try {
    for (let first = taken.shift(); first !== undefined; first = taken.shift()) yield first;
    for (let next = await more.next(); next.done !== true; next = await more.next()) yield next.value;
  } finally {
    for (const batch of taken) batch.close();
    await more.return?.();
  }
}

async function* only(batch: Batch): AsyncGenerator<Batch> {
  yield batch;
}

/**
 * The left rows with what is found for them, in their order; last, the rows of the table that nothing matched. Closes the
 * lookup.
 */
export async function* lookedUp(lookup: Lookup, left: KnownRows, kind: LookupParams["kind"]): AsyncGenerator<Batch> {
  try {
    yield* coalesced(inOrder(left.rows, (batch) => lookup.apply(batch)));
    if (kind === "right" || kind === "full") yield await lookup.unmatched(left.schema);
  } finally {
    lookup.close();
  }
}
