import { type FileHandle, open } from "node:fs/promises";
import type { Batch } from "@sferic/operator";

/** A column of times, and how many of its units a millisecond has. */
export interface TimeColumn {
  readonly name: string;
  readonly unitsPerMs: number;
}

const unitsPerMs = { s: 0.001, ms: 1, us: 1000, ns: 1_000_000 } as const;

/** Units that an integer column can count times in. */
export const timeUnits = Object.keys(unitsPerMs) as (keyof typeof unitsPerMs)[];

/** How to read a column of times; null for a type that holds none. `unit` is what an integer column counts. */
export function timeColumn(name: string, type: string, unit?: keyof typeof unitsPerMs): TimeColumn | null {
  const own = /^timestamp\[(s|ms|us|ns)\b/.exec(type)?.[1] as keyof typeof unitsPerMs | undefined;
  const counted = /^u?int64$/.test(type) ? unit : undefined;
  const used = own ?? counted;
  return used === undefined ? null : { name, unitsPerMs: unitsPerMs[used] };
}

/**
 * Writes when each row is due: milliseconds after the first that has a time, as float64 in the machine's own order. A row
 * without a time, or with an earlier one than a row before it, is due with that row.
 */
export class EventTimesWriter {
  readonly #path: string;
  readonly #column: TimeColumn;
  #file: FileHandle | undefined;
  #first: bigint | undefined;
  #dueMs = 0;

  constructor(path: string, column: TimeColumn) {
    this.#path = path;
    this.#column = column;
  }

  async write(batch: Batch): Promise<void> {
    const { values, validity } = batch.column(this.#column.name);
    const due = new Float64Array(batch.rowCount);
    for (let row = 0; row < due.length; row += 1) {
      if (validity === undefined || validity[row] === 1) {
        const time = BigInt(values[row]!);
        this.#first ??= time;
        this.#dueMs = Math.max(this.#dueMs, Number(time - this.#first) / this.#column.unitsPerMs);
      }
      due[row] = this.#dueMs;
    }
    this.#file ??= await open(this.#path, "w");
    await this.#file.writeFile(new Uint8Array(due.buffer));
  }

  /** Returns when the file is on disk. */
  async finish(): Promise<void> {
    await this.#file?.sync();
    await this.abort();
  }

  async abort(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }
}
