import { isDeepStrictEqual } from "node:util";
import {
  asOperatorError,
  type Batch,
  type Bounds,
  type Column,
  type Epoch,
  type Row,
  rowsOf,
  type Schema,
  type Source,
  type TransformDefinition,
} from "@sferic/operator";
import type { Reference } from "@sferic/spec";
import { type DataflowOutcome, type LiveOperator, type Range, runDataflow } from "./dataflow.ts";
import { createOperators } from "./live-operators.ts";
import { type Plan, secretsOf } from "./plan.ts";
import { scratchHome } from "./run-home.ts";
import { collector, referencesOf, upstreamOf } from "./targets.ts";

/** Rows as they pass one port. */
export interface Preview {
  readonly operator: string;
  readonly port: string;
  /** Null when no row came and nothing declares the columns. */
  readonly schema: readonly Column[] | null;
  readonly rows: readonly Row[];
  /** Whether all input was read; if not, operators that need all rows saw only its beginning. */
  readonly complete: boolean;
  /** Pieces of input that could not become rows, as far as it was read. */
  readonly invalid: readonly { readonly name: string; readonly reason: string }[];
  readonly seconds: number;
}

export interface PreviewOptions {
  /** Most rows to show, default 20. */
  readonly rows?: number;
  readonly signal?: AbortSignal;
}

/** Files and rows read per source in the first attempt, and how much more in each one after. */
const firstBounds = { filesPerEpoch: 1, rowsPerEpoch: 1000 };
const growth = 8;

/**
 * The first rows at `target`: an operator id, or `id.port`; for a sink, what it would get. Runs only what is upstream,
 * opens no sink, and reads as little as it can: one file per source, then more until there are enough rows. Rejects
 * with `unknown-operator-id`, `unknown-port` or `several-inputs` for a bad target, or with the operator's failure.
 */
export async function previewOperator(plan: Plan, target: string, options: PreviewOptions = {}): Promise<Preview> {
  const started = performance.now();
  const references = referencesOf(plan, target);
  const upstream = upstreamOf(plan, references);
  const whole = upstream.some(({ definition }) => (definition as TransformDefinition).needs === "epoch");
  const wanted = options.rows ?? 20;
  const secrets = secretsOf(plan);
  let invalid: Preview["invalid"] = [];
  for (let factor = 1; ; factor *= growth) {
    const attempt = new Attempt({ ...plan, operators: upstream }, references, wanted, factor, options.signal);
    try {
      await attempt.run();
    } catch (thrown) {
      // An operator that needs all rows, such as k-means, may fail for want of rows only.
      if (!whole || attempt.complete || options.signal?.aborted === true) {
        throw secrets.scrubbed(asOperatorError(thrown));
      }
      continue;
    }
    // An attempt that stopped early does not know what it could not read; the one before may.
    if (attempt.invalid.length > 0) invalid = secrets.scrubbed(attempt.invalid);
    if (attempt.rows.length < wanted && !attempt.complete) continue;
    const { operator, port } = references[0]!;
    const planned = plan.operators.find(({ node }) => node.id === operator)!.outputs[port] ?? null;
    const { rows, complete } = attempt;
    const schema = (attempt.schema ?? planned)?.columns ?? null;
    return { operator, port, schema, rows, complete, invalid, seconds: (performance.now() - started) / 1000 };
  }
}

/** One run over the beginning of the input. */
class Attempt {
  readonly rows: Row[] = [];
  schema: Schema | null = null;
  complete = true;
  invalid: Preview["invalid"] = [];
  readonly #plan: Plan;
  readonly #references: readonly Reference[];
  readonly #wanted: number;
  readonly #bounds: Bounds;
  readonly #enough = new AbortController();
  readonly #signal: AbortSignal;

  constructor(
    upstream: Plan,
    references: readonly Reference[],
    wanted: number,
    factor: number,
    signal: AbortSignal | undefined,
  ) {
    this.#plan = upstream;
    this.#references = references;
    this.#wanted = wanted;
    this.#bounds = Object.fromEntries(Object.entries(firstBounds).map(([name, most]) => [name, most * factor]));
    this.#signal = AbortSignal.any([this.#enough.signal, ...(signal === undefined ? [] : [signal])]);
  }

  async run(): Promise<void> {
    await using home = await scratchHome(this.#plan, "preview");
    await using operators = await createOperators(this.#plan, home, { shown: this.#references });
    const ranges = await this.#ranges(operators.all);
    const epoch = { id: 0, timeMs: Date.now(), seed: this.#plan.spec.run.seed, signal: this.#signal };
    try {
      await this.#flow(operators.all, ranges, epoch);
    } catch (thrown) {
      if (!this.#enough.signal.aborted) throw thrown;
      this.complete = false;
    }
  }

  async #flow(operators: readonly LiveOperator[], ranges: Record<string, Range>, epoch: Epoch): Promise<void> {
    const all = [...operators, collector(0, this.#references, (batch) => this.#take(batch))];
    const { invalid }: DataflowOutcome = await runDataflow(all, ranges, epoch, this.#plan.registry);
    this.invalid = Object.values(invalid)
      .flat()
      .map(({ name, reason }) => ({ name, reason }));
  }

  async #ranges(operators: readonly LiveOperator[]): Promise<Record<string, Range>> {
    const ranges: Record<string, Range> = {};
    for (const { planned, instance } of operators) {
      if (planned.node.kind !== "source") continue;
      const source = instance as Source;
      await source.open?.([]);
      const end = await source.latestOffset(null, this.#bounds);
      if (end === null) continue;
      ranges[planned.node.id] = { start: null, end };
      if (!isDeepStrictEqual(end, await source.latestOffset(null, {}))) this.complete = false;
    }
    return ranges;
  }

  #take(batch: Batch): void {
    this.schema ??= batch.schema;
    this.rows.push(...rowsOf(batch, this.#wanted - this.rows.length));
    batch.close();
    if (this.rows.length >= this.#wanted) this.#enough.abort();
  }
}
