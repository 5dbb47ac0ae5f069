import { type Batch, type BatchFactory, type InvalidInput, parseDuration, type Row, rowsOf } from "@sferic/operator";
import type { OperatorNode } from "@sferic/spec";

/** Rows of a batch told apart by their event time. */
export interface Observed {
  readonly kept: Batch;
  /** Rows that are further ahead of the clock than their operator allows. */
  readonly invalid: readonly InvalidInput["invalid"][];
  /** The largest event time of all rows kept in this epoch so far, in milliseconds since 1970; null without any. */
  readonly latestMs: number | null;
}

/** Looks at the event times of what an operator that declares them gives in one epoch. */
export class EventTimeObserver {
  readonly #node: OperatorNode;
  readonly #batches: BatchFactory;
  readonly #clockMs: number;
  readonly #limitMs: number;
  #latestMs: number | null = null;
  #rowCount = 0;

  /** `clockMs` is the time of the epoch. */
  constructor(node: OperatorNode, batches: BatchFactory, clockMs: number) {
    const { futureSkewMax } = node.watermark!;
    this.#node = node;
    this.#batches = batches;
    this.#clockMs = clockMs;
    this.#limitMs = futureSkewMax === undefined ? Number.POSITIVE_INFINITY : clockMs + parseDuration(futureSkewMax);
  }

  /** Takes over the batch; a batch all of whose rows count is handed on as it is. */
  observe(rows: Batch): Observed {
    const { column } = this.#node.watermark!;
    const first = this.#rowCount;
    this.#rowCount += rows.rowCount;
    // Whole milliseconds: a row less than one ahead of the limit shows only when the rows are split.
    const latestMs = rows.rowCount === 0 ? null : this.#batches.latestEventTimeMs(rows, column);
    if (latestMs === null || latestMs < this.#limitMs) return this.#counted(rows, [], latestMs);
    const { rows: kept, later } = this.#batches.splitByEventTime(rows, column, this.#limitMs);
    const places = this.#places(rows, first);
    rows.close();
    const invalid = rowsOf(later).map((row, index) => this.#invalid(row, places[index]!));
    later.close();
    return this.#counted(kept, invalid, kept.rowCount === 0 ? null : this.#batches.latestEventTimeMs(kept, column));
  }

  #counted(kept: Batch, invalid: Observed["invalid"], latestMs: number | null): Observed {
    if (latestMs !== null) this.#latestMs = Math.max(latestMs, this.#latestMs ?? latestMs);
    return { kept, invalid, latestMs: this.#latestMs };
  }

  /** Numbers of the later rows among all that the operator gave in this epoch. */
  #places(rows: Batch, first: number): number[] {
    const { column } = this.#node.watermark!;
    const unit = /^timestamp\[(\w+)/.exec(rows.schema.column(column)!.type)![1] as keyof typeof perSecond;
    const limit = (BigInt(this.#limitMs) * perSecond[unit]) / 1000n;
    const { values, validity } = rows.column(column);
    const places = Array.from(values as BigInt64Array, (time, row) => {
      return time > limit && validity?.[row] !== 0 ? first + row : null;
    });
    return places.filter((place) => place !== null);
  }

  #invalid(row: Row, position: number): InvalidInput["invalid"] {
    const { column, futureSkewMax } = this.#node.watermark!;
    const clock = new Date(this.#clockMs).toISOString();
    const reason = `"${column}" is more than ${futureSkewMax!} ahead of the clock, ${clock}: ${JSON.stringify(row)}`;
    const { file } = row;
    return { name: typeof file === "string" ? file : this.#node.id, reason, position, isPart: true };
  }
}

const perSecond = { s: 1n, ms: 1000n, us: 1_000_000n, ns: 1_000_000_000n } as const;
