import { type Batch, type BatchFactory, column, Schema } from "@sferic/operator";

/** One column of integers, `n`. */
export const numbers = new Schema([column("n", "int32")]);

/** Batches of JavaScript numbers that know how many of them nobody has closed. */
export class NumberBatches {
  /** Handles that are open now. */
  open = 0;
  /** Most handles that were ever open at once. */
  openMax = 0;

  /** Takes in any table or rows with the columns of `schema`; nothing here needs the native core. */
  readonly factory: BatchFactory = {
    latestEventTimeMs: () => null,
    splitByEventTime: () => {
      throw new Error("Nothing in these tests has an event time.");
    },
    fromArrow: (table) => this.of(Array.from(table.getChild("n")!, Number)),
    fromRows: (schema, rows) => this.#make(schema, rows),
    concat: (parts, schema) => {
      if (parts.length > 0) throw new Error("Nothing in these tests concatenates.");
      return this.#make(schema, []);
    },
  };

  of(values: readonly number[]): Batch {
    return this.#make(
      numbers,
      values.map((n) => ({ n })),
    );
  }

  #make(schema: Schema, rows: readonly Readonly<Record<string, unknown>>[]): Batch {
    let open = true;
    this.open += 1;
    this.openMax = Math.max(this.openMax, this.open);
    return {
      schema,
      rowCount: rows.length,
      byteLength: rows.length * 4,
      column: (name) => ({ values: Int32Array.from(rows, (row) => row[name] as number) }),
      toArrow: () => ({ getChild: (name: string) => ({ get: (index: number) => rows[index]![name] }) }) as never,
      share: () => this.#make(schema, rows),
      close: () => {
        if (open) this.open -= 1;
        open = false;
      },
    };
  }
}

/** The column `n` of a batch, which is closed. */
export function taken(batch: Batch): number[] {
  const values = Array.from(batch.column("n").values, Number);
  batch.close();
  return values;
}
