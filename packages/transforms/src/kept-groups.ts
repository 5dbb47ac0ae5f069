import { type QueryOptions, runQuery } from "@sferic/bindings/query";
import { quoted } from "@sferic/bindings/relational";
import {
  assignWindows,
  type Decomposition,
  type Windowed,
  type WindowSpan,
  WindowState,
} from "@sferic/bindings/windows";
import {
  type Batch,
  type Column,
  column,
  type Epoch,
  type Output,
  type OutputMode,
  port,
  Schema,
  type Transform,
} from "@sferic/operator";
import { inOrder } from "./in-order.ts";
import { freeName, knownRows } from "./known-rows.ts";
import { type MemoryLimit, Remembering } from "./remembering.ts";

/** What groups are made of, once the columns of the rows are known. */
export interface KeptGroupsPlan {
  /** Absent for groups that no window ends. */
  readonly window?: { readonly column: string; readonly span: WindowSpan; readonly timeType: string };
  /** Columns that tell groups apart, as a query gives them. */
  readonly keys: readonly Column[];
  readonly decomposition: Decomposition;
  /** Columns of a finished row. */
  readonly output: Schema;
}

/** Later than any time: closes every window. */
const endOfTimeMs = 8.64e15;

/** When the queries of an epoch spill, and where to. */
export type Spilling = Pick<QueryOptions, "memoryBytesMax" | "tempDirectory">;

/**
 * Groups that outlive an epoch. An epoch's rows are aggregated by a query; what it gives is merged into the groups there
 * are. Cost of an epoch: its rows, and the groups they touch.
 */
export class KeptGroups extends Remembering<WindowState> implements Transform {
  readonly #planOf: (schema: Schema) => KeptGroupsPlan;
  readonly #mode: OutputMode;
  readonly #spilling: Spilling;
  #plan: KeptGroupsPlan | undefined;

  constructor(planOf: (schema: Schema) => KeptGroupsPlan, mode: OutputMode, spilling: Spilling, limit: MemoryLimit) {
    super(limit);
    this.#planOf = planOf;
    this.#mode = mode;
    this.#spilling = spilling;
  }

  /** A complete result holds everything already. */
  get followsWatermark(): boolean {
    return this.#mode !== "complete";
  }

  async *apply(batches: AsyncIterable<Batch>, epoch: Epoch): AsyncGenerator<Output> {
    const input = await knownRows(batches);
    if (input === null) return;
    this.#plan ??= this.#planOf(input.schema);
    const plan = this.#plan;
    const state = await this.begin(() => stateOf(plan));
    const aside: Output[] = [];
    const { rows, schema } = this.#windowed(plan, input.schema, input.rows, epoch, aside);
    for await (const partials of runQuery(
      { input: { rows, schema } },
      partialsQuery(plan, schema),
      partialsSchema(plan),
      this.#options(epoch),
    )) {
      this.hasChanged ||= partials.rowCount > 0;
      await state.merge(partials);
      this.requireRoom();
      yield* aside.splice(0);
    }
    yield* aside.splice(0);
    yield* this.#finished(plan, await this.#due(state, epoch), epoch);
  }

  /** The rows with the start of their window; what does not count goes aside, for the other ports. */
  #windowed(
    { window }: KeptGroupsPlan,
    schema: Schema,
    rows: AsyncIterable<Batch>,
    { watermark }: Epoch,
    aside: Output[],
  ): { rows: AsyncIterable<Batch>; schema: Schema } {
    if (window === undefined) return { rows, schema };
    // A complete result of windows that do not grow together takes whatever comes.
    const isLate = watermark !== undefined && (this.#mode !== "complete" || "gapMs" in window.span);
    const names = lateNames(schema);
    const params = {
      column: window.column,
      span: window.span,
      watermarkMs: watermark?.nowMs ?? 0,
      names,
      ...(isLate ? { lateMs: watermark.lateMs } : {}),
    };
    const put = ({ late, invalid }: Windowed): void => {
      if (late !== null) aside.push(port("late", late));
      if (invalid !== null) aside.push(port("invalid", invalid));
    };
    const counted = async function* (): AsyncGenerator<Batch> {
      for await (const windowed of inOrder(rows, (batch) => assignWindows(batch, params))) {
        put(windowed);
        yield windowed.rows;
      }
    };
    return { rows: counted(), schema: schema.append(column(names[0], window.timeType)) };
  }

  /** The groups whose rows come out in this epoch. */
  async #due(state: WindowState, { watermark }: Epoch): Promise<Batch> {
    if (this.#mode === "complete") return state.all();
    const closeAt = watermark?.nowMs ?? (this.#mode === "append" ? endOfTimeMs : null);
    if (this.#mode === "append") return this.#close(state, closeAt!);
    const changed = await state.changed();
    if (closeAt !== null) (await this.#close(state, closeAt)).close();
    return changed;
  }

  async #close(state: WindowState, watermarkMs: number): Promise<Batch> {
    const closed = await state.close(watermarkMs);
    this.hasChanged ||= closed.rowCount > 0;
    this.closedMs = watermarkMs;
    return closed;
  }

  async *#finished(plan: KeptGroupsPlan, rows: Batch, epoch: Epoch): AsyncGenerator<Batch> {
    const times = plan.window === undefined ? [] : ["window_start", "window_end"];
    const keys = [...times, ...plan.keys.map(({ name }) => name)].map(quoted);
    const finals = plan.decomposition.finals.map((final) => `(${final})`);
    const order = keys.length === 0 ? "" : ` ORDER BY ${keys.map((key) => `${key} ASC NULLS LAST`).join(", ")}`;
    const sql = `SELECT ${[...keys, ...finals].join(", ")} FROM input${order}`;
    const input = { schema: rows.schema, rows: only(rows) };
    yield* runQuery({ input }, sql, plan.output, this.#options(epoch));
  }

  #options({ signal }: Epoch): QueryOptions {
    return { signal, ...this.#spilling };
  }
}

function stateOf({ window, keys, decomposition }: KeptGroupsPlan): WindowState {
  const { partials } = decomposition;
  return new WindowState({ ...(window === undefined ? {} : { window }), keys, partials });
}

/** Names of the columns that late rows have after those of the input. */
export function lateNames(schema: Schema): [start: string, end: string, watermark: string] {
  return [freeName("window_start", schema), freeName("window_end", schema), freeName("watermark", schema)];
}

function partialsQuery({ window, keys, decomposition }: KeptGroupsPlan, schema: Schema): string {
  const start = window === undefined ? [] : [schema.names.at(-1)!];
  const grouped = [...start, ...keys.map(({ name }) => name)].map(quoted);
  const values = decomposition.partials.map(({ expression }) => `(${expression}\n)`);
  // Without rows there is no group, not even where nothing is grouped.
  const grouping = grouped.length === 0 ? " HAVING count(*) > 0" : ` GROUP BY ${grouped.join(", ")}`;
  return `SELECT ${[...grouped, ...values].join(", ")} FROM input${grouping}`;
}

function partialsSchema({ window, keys, decomposition }: KeptGroupsPlan): Schema {
  const start = window === undefined ? [] : [column("window_start", window.timeType)];
  return new Schema([...start, ...keys, ...decomposition.partials.map((partial) => partial.column)]);
}

async function* only(batch: Batch): AsyncGenerator<Batch> {
  yield batch;
}
