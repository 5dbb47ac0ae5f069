import type { Batch, Schema } from "@sferic/operator";
import { fromHandle, handleOf, toNativeColumns } from "./batch.ts";
import { unwrapped, unwrapping } from "./errors.ts";
import * as native from "./native.ts";

/**
 * The columns at paths (a column, then fields inside it), under the names and nullability of `columns`; a field is null where
 * a struct around it is. Copies no values. Closes its input.
 */
export function flattenBatch(batch: Batch, paths: readonly (readonly string[])[], columns: Schema): Batch {
  try {
    const given = paths.map((path) => [...path]);
    return fromHandle(unwrapping(() => native.flattenBatch(handleOf(batch), given, toNativeColumns(columns))));
  } finally {
    batch.close();
  }
}

/**
 * The rows with exactly these columns, found by name: nullable ones that are missing are null, integers, floats and times
 * become the wider type. Closes its input.
 */
export function conformBatch(batch: Batch, columns: Schema): Batch {
  try {
    return fromHandle(unwrapping(() => native.conformBatch(handleOf(batch), toNativeColumns(columns))));
  } finally {
    batch.close();
  }
}

/**
 * The rows with a column `timestamp[ms, UTC]` at the end that has the same time in every row, in milliseconds since 1970.
 * No other column may have its name. Closes its input.
 */
export function batchWithTime(batch: Batch, name: string, timeMs: number): Batch {
  try {
    return fromHandle(unwrapping(() => native.batchWithTime(handleOf(batch), name, timeMs)));
  } finally {
    batch.close();
  }
}

/** Rows that are equal in the columns they were cut by. */
export interface Partition {
  /** Text of each of those columns, as CSV has it; null for a null. */
  readonly values: readonly (string | null)[];
  /** The other columns. */
  readonly batch: Batch;
}

/**
 * The rows cut by the values of columns, in the order in which the values first appear; rows keep their order. The parts share
 * one copy of the rows. Closes its input; the caller closes the parts.
 */
export async function partitionBatch(batch: Batch, by: readonly string[]): Promise<Partition[]> {
  try {
    const parts = await unwrapped(native.partitionBatch(handleOf(batch), [...by]));
    return parts.map(({ values, batch: rows }) => ({
      values: values.map((value) => value ?? null),
      batch: fromHandle(rows),
    }));
  } finally {
    batch.close();
  }
}

/** Which columns become rows. */
export interface Unpivot {
  /** Columns that every row of the result repeats. */
  readonly kept: readonly string[];
  /** Columns that give a row each; all of one type. */
  readonly unpivoted: readonly string[];
  /** Columns of the result: those kept, a text column of names, a column of values. */
  readonly columns: Schema;
  /** Whether a null gives a row too. */
  readonly nulls: boolean;
}

/** One row per row and unpivoted column; the rows of a row stand together. Closes its input. */
export async function unpivotBatch(batch: Batch, { kept, unpivoted, columns, nulls }: Unpivot): Promise<Batch> {
  try {
    const params = { kept: [...kept], unpivoted: [...unpivoted], columns: toNativeColumns(columns), nulls };
    return fromHandle(await unwrapped(native.unpivotBatch(handleOf(batch), params)));
  } finally {
    batch.close();
  }
}
