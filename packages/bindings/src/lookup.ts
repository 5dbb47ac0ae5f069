import type { Batch, DataType, Schema } from "@sferic/operator";
import { fromHandle, handleOf, toNativeColumns } from "./batch.ts";
import { unwrapped, unwrapping } from "./errors.ts";
import * as native from "./native.ts";

/** A column of the result: of the left rows, of the table, or a key, which both have. By position. */
export type LookupColumn =
  | { readonly left: number }
  | { readonly right: number }
  | { readonly left: number; readonly right: number };

/** A join of rows that come with a table that is there. */
export interface LookupParams {
  readonly kind: "inner" | "left" | "right" | "full" | "semi" | "anti";
  /** Positions of the columns that must be equal, which have equal types. */
  readonly keys: readonly (readonly [left: number, right: number])[];
  readonly columns: readonly LookupColumn[];
  /** Names, types, units and nulls of the result. */
  readonly result: Schema;
}

/** Whether columns of a type can be keys of a {@link Lookup}: integers, booleans, text, dates and times. */
export function canLookUp(type: DataType): boolean {
  return unwrapping(() => native.canLookUp(type));
}

/** A table whose keys are hashed. */
export class Lookup {
  readonly #native: native.NativeLookup;

  private constructor(lookup: native.NativeLookup) {
    this.#native = lookup;
  }

  /** Hashes the table; about 20 ns a row. Closes it. */
  static async build(table: Batch, { kind, keys, columns, result }: LookupParams): Promise<Lookup> {
    try {
      const params = {
        kind,
        keys: keys.map((pair) => [...pair]),
        columns: columns.map((column) => ({ ...column })),
        result: toNativeColumns(result),
      };
      return new Lookup(await unwrapped(native.buildLookup(handleOf(table), params)));
    } finally {
      table.close();
    }
  }

  /** Lets go of the table, which is not garbage of JavaScript's. */
  close(): void {
    this.#native.close();
  }

  /** How many rows of the table one left row can match at most, or somewhat more. Linear in the table. */
  get matchesMax(): number {
    return this.#native.matchesMax;
  }

  /** The result for a batch of left rows, in their order, and within a row in that of the table. Closes its input. */
  async apply(left: Batch): Promise<Batch> {
    try {
      return fromHandle(await unwrapped(this.#native.apply(handleOf(left))));
    } finally {
      left.close();
    }
  }

  /** Rows of the table that none of the left rows so far has matched, for the kinds `right` and `full`. */
  async unmatched(left: Schema): Promise<Batch> {
    return fromHandle(await unwrapped(this.#native.unmatched(toNativeColumns(left))));
  }
}
