import type { Batch, Schema, StateSize, WrittenFile } from "@sferic/operator";
import { fromHandle, fromHandleIfAny, handleOf, toNativeColumns } from "./batch.ts";
import { unwrapped, unwrapping } from "./errors.ts";
import type { LookupColumn } from "./lookup.ts";
import * as native from "./native.ts";

/** The rows of one input of a join of streams. */
export interface JoinRows {
  readonly schema: Schema;
  /** Positions of the columns that must be equal, in the order of the other input's; of equal types, as `canLookUp` allows. */
  readonly keys: readonly number[];
  /** Column of the event time, a timestamp. */
  readonly time: string;
}

/** A join of two streams: rows of equal keys whose times are not far apart. */
export interface JoinStateParams {
  readonly left: JoinRows;
  readonly right: JoinRows;
  /** A right row meets left rows whose time is at most this much after its own, in milliseconds. */
  readonly beforeMs: number;
  /** A right row meets left rows whose time is at most this much before its own, in milliseconds. */
  readonly afterMs: number;
  /** Where the columns of the result come from. */
  readonly columns: readonly LookupColumn[];
  readonly result: Schema;
  /** Columns of late rows: those of the result, all nullable, then the name of the input and the watermark. */
  readonly late: Schema;
}

/** Rows of an input that take no part in the join. */
export interface JoinAside {
  readonly late: Batch | null;
  /** Rows without event time: as late ones, without the watermark. */
  readonly invalid: Batch | null;
}

/** Rows of two inputs that wait for their partners. About 24 bytes a row and 140 a key, beside the columns. */
export class JoinState {
  readonly #native: native.NativeJoinState;

  constructor({ left, right, columns, result, late, ...distance }: JoinStateParams) {
    this.#native = unwrapping(() =>
      native.createJoinState({
        ...distance,
        left: toNativeRows(left),
        right: toNativeRows(right),
        columns: columns.map((column) => ({ ...column })),
        result: toNativeColumns(result),
        late: toNativeColumns(late),
      }),
    );
  }

  /** How large it is now, its groups are rows; not to be asked while something else is under way. */
  size(): StateSize & { readonly changed: number } {
    const { groups, changed, bytes } = this.#native.size();
    return { groups, changed, bytes };
  }

  /** Begins an epoch: nothing has come yet. */
  settle(): Promise<void> {
    return unwrapped(this.#native.settle());
  }

  /**
   * Remembers rows of an input and begins to look for their partners among those of the other that came before; `matches` of
   * the rows before have been read by then. Rows not after `lateMs` are late. Closes the batch.
   */
  async take(
    input: "left" | "right",
    rows: Batch,
    watermark?: { readonly lateMs: number; readonly nowMs: number },
  ): Promise<JoinAside> {
    try {
      const aside = await unwrapped(this.#native.take(input === "left", handleOf(rows), watermark && { ...watermark }));
      return { late: fromHandleIfAny(aside.late), invalid: fromHandleIfAny(aside.invalid) };
    } finally {
      rows.close();
    }
  }

  /** The pairs of the rows that were taken last, in batches of up to 65,536. */
  async *matches(): AsyncGenerator<Batch> {
    for (;;) {
      const found = await unwrapped(this.#native.nextMatches());
      if (found === null) return;
      yield fromHandle(found);
    }
  }

  /** Forgets rows that no row after the watermark can meet. */
  close(watermarkMs: number): Promise<void> {
    return unwrapped(this.#native.close(watermarkMs));
  }

  /** Writes all rows, or those of this epoch, as an Arrow file and syncs it. */
  write(path: string, whole: boolean): Promise<WrittenFile> {
    return unwrapped(this.#native.write(path, whole));
  }

  /**
   * Takes in a file that `write` made, after what no row after the watermark `closedMs` can meet is gone. Throws
   * `checkpoint-corrupt` when the file is not what was written.
   */
  restore(path: string, closedMs?: number): Promise<void> {
    return unwrapped(this.#native.restore(path, closedMs));
  }
}

function toNativeRows({ schema, keys, time }: JoinRows): native.NativeJoinRows {
  return { columns: toNativeColumns(schema), keys: [...keys], time };
}
