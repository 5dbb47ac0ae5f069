import { Projection, quoted } from "@sferic/bindings/relational";
import { WindowState } from "@sferic/bindings/windows";
import {
  type Batch,
  type Column,
  type Epoch,
  type EventTime,
  type Output,
  port,
  type Schema,
  type Transform,
} from "@sferic/operator";
import { knownRows } from "./known-rows.ts";
import { arePlain } from "./plain-columns.ts";
import { type MemoryLimit, Remembering } from "./remembering.ts";
import { windowTimeType } from "./windows.ts";

/** What a deduplication remembers keys by. */
export interface KeptKeysPlan {
  /** Columns that tell rows apart, as a query gives them. */
  readonly keys: (schema: Schema) => readonly Column[];
  /** Columns of the result. */
  readonly output: (schema: Schema) => Schema;
  readonly eventTime: EventTime;
  /** Whether a key is forgotten once the watermark has passed its first row. */
  readonly isWithinWatermark: boolean;
}

/** Keys that outlive an epoch; a row passes if its keys are not among them. About 80 bytes a key of up to 22 bytes. */
export class KeptKeys extends Remembering<WindowState> implements Transform {
  readonly followsWatermark = true;
  readonly #plan: KeptKeysPlan;

  constructor(plan: KeptKeysPlan, limit: MemoryLimit) {
    super(limit);
    this.#plan = plan;
  }

  async *apply(batches: AsyncIterable<Batch>, epoch: Epoch): AsyncGenerator<Output> {
    const input = await knownRows(batches);
    if (input === null) return;
    const { schema } = input;
    const state = await this.begin(() => this.#newState(schema));
    const until = this.#until(schema);
    const asides = this.#asides(schema, epoch);
    const text = new Projection(null, asides.kept);
    const isPlain = arePlain(schema, this.#plan.output(schema));
    for await (const batch of input.rows) {
      for (const [name, aside] of asides.ports) {
        const rows = await aside.apply(batch.share(), epoch.signal);
        if (rows.rowCount > 0) yield port(name, rows);
        else rows.close();
      }
      const kept = isPlain && asides.kept === null ? batch : await text.apply(batch, epoch.signal);
      const first = await state.takeFirst(kept, until);
      this.hasChanged ||= first.rowCount > 0;
      this.requireRoom();
      yield first;
    }
    await this.#forget(state, epoch);
  }

  #newState(schema: Schema): WindowState {
    const { eventTime } = this.#plan;
    const timeType = this.#until(schema) && windowTimeType(schema, eventTime);
    // The length of windows has no meaning for keys: each ends with its own row.
    const window = timeType === undefined ? {} : { window: { span: { sizeMs: 1, slideMs: 1, offsetMs: 0 }, timeType } };
    return new WindowState({ ...window, keys: this.#plan.keys(schema), partials: [] });
  }

  /** How long a key is kept: some time after its row's time; for ever when undefined. */
  #until(schema: Schema): EventTime | undefined {
    const { eventTime, isWithinWatermark, keys } = this.#plan;
    if (isWithinWatermark) return eventTime;
    const isKey = keys(schema).some(({ name }) => name === eventTime.column);
    return isKey ? { ...eventTime, delayMs: 0 } : undefined;
  }

  /** What tells apart the rows that are late or invalid, and those that are neither; null when all are. */
  #asides(
    schema: Schema,
    { watermark }: Epoch,
  ): { ports: readonly (readonly [string, Projection])[]; kept: string | null } {
    const { eventTime, isWithinWatermark } = this.#plan;
    if (watermark === undefined || schema.column(eventTime.column) === undefined) return { ports: [], kept: null };
    const time = quoted(eventTime.column);
    const late = `${time} <= make_timestamp(${watermark.lateMs * 1000})`;
    const rows = (filter: string): Projection => new Projection(null, filter);
    if (!isWithinWatermark) return { ports: [["late", rows(late)]], kept: `(${late}) IS NOT TRUE` };
    return {
      ports: [
        ["late", rows(late)],
        ["invalid", rows(`${time} IS NULL`)],
      ],
      kept: `NOT (${late})`,
    };
  }

  async #forget(state: WindowState, { watermark }: Epoch): Promise<void> {
    if (watermark === undefined) return;
    const forgotten = await state.close(watermark.nowMs);
    this.hasChanged ||= forgotten.rowCount > 0;
    this.closedMs = watermark.nowMs;
    forgotten.close();
  }
}
