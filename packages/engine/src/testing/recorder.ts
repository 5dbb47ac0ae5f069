import {
  type Batch,
  createRegistry,
  type Definition,
  defineSink,
  defineSource,
  defineTransform,
  invalidSchema,
  OperatorError,
  port,
  type Registry,
} from "@sferic/operator";
import { setTimeout } from "node:timers/promises";
import { z } from "zod";
import { NumberBatches, numbers, taken } from "./number-batches.ts";

/**
 * Operators without files or native code that record their calls, and the outside world they act on, which outlives a
 * run: how many numbers each source has, what each sink has staged and published.
 */
export class Recorder {
  readonly batches = new NumberBatches();
  /** Calls in order: `<operator>.<method> <epoch or offset>`. */
  readonly calls: string[] = [];
  /** Numbers 0, 1, 2 … that a source has, by its id; 0 when absent. */
  readonly available: Record<string, number> = {};
  /** Numbers whose piece of input cannot be decoded. */
  readonly broken = new Set<number>();
  /** Visible rows by `<sink> <epoch>`. */
  readonly visible = new Map<string, readonly number[]>();
  /** Staged rows by `<sink> <epoch>`. */
  readonly staged = new Map<string, readonly number[]>();
  /** What every epoch was given, in the order of the sinks' stage calls. */
  readonly epochs: { id: number; timeMs: number; seed: number }[] = [];
  /** The call of this index (from 0) fails; none by default. */
  failAt = Number.POSITIVE_INFINITY;
  readonly registry: Registry;

  constructor(more: readonly Definition[] = []) {
    const keepers = [keeper(this, "keeper"), keeper(this, "other-keeper")];
    const own = [numbersSource(this), double(this), breaks(this), idler(), pair(this), ...keepers] as Definition[];
    this.registry = createRegistry(this.batches.factory, [], [...own, ...more]);
  }

  /** Notes a call; throws when it is the one that is to fail. */
  call(name: string): void {
    this.calls.push(name);
    if (this.calls.length - 1 !== this.failAt) return;
    throw new OperatorError({ code: "injected", message: `The call ${this.failAt} failed.`, domain: "external" });
  }

  /** Calls of one method, such as `a.publish`, without the operator and method. */
  of(method: string): string[] {
    return this.calls.filter((call) => call.startsWith(`${method} `)).map((call) => call.slice(method.length + 1));
  }

  /** All rows that a reader of the sink sees, sorted; duplicates stay. */
  rows(sink: string): number[] {
    const ofSink = [...this.visible].filter(([key]) => key.startsWith(`${sink} `));
    return ofSink.flatMap(([, rows]) => rows).toSorted((a, b) => a - b);
  }
}

/** What every declaration of an operator for tests has in common. */
export const declared = { since: "0.1.0", status: "stable", summary: "For tests.", errors: [], examples: [] } as const;

/** `numbers`: the numbers that the recorder has for its id, `batchRows` to a batch. The offset is how many were read. */
function numbersSource(recorder: Recorder): unknown {
  return defineSource({
    ...declared,
    type: "numbers",
    config: z.strictObject({ batchRows: z.int().default(4) }),
    output: () => ({ main: numbers, invalid: invalidSchema }),
    create: ({ batchRows }, { operatorId: id }) => ({
      open: async (history) => recorder.call(`${id}.open ${history.length}`),
      latestOffset: async (previous, { rowsPerEpoch = Number.POSITIVE_INFINITY }, until) => {
        const start = Number(previous ?? 0);
        recorder.call(`${id}.latestOffset ${start}`);
        const end = Math.min(
          recorder.available[id] ?? 0,
          start + rowsPerEpoch,
          Number(until ?? Number.POSITIVE_INFINITY),
        );
        return end > start ? end : null;
      },
      async *read(start, end, { signal }) {
        recorder.call(`${id}.read ${Number(start ?? 0)}-${Number(end)}`);
        for (let first = Number(start ?? 0); first < Number(end); first += batchRows) {
          signal.throwIfAborted();
          const all = Array.from({ length: Math.min(batchRows, Number(end) - first) }, (_, row) => first + row);
          for (const n of all.filter((n) => recorder.broken.has(n))) {
            yield { invalid: { name: `${n}.txt`, reason: "cut short", position: n } };
          }
          yield recorder.batches.of(all.filter((n) => !recorder.broken.has(n)));
        }
      },
      acknowledge: async (end) => recorder.call(`${id}.acknowledge ${Number(end)}`),
      close: async () => recorder.call(`${id}.close 0`),
    }),
  });
}

/** `double`: 2 n. */
function double(recorder: Recorder): unknown {
  return defineTransform({
    ...declared,
    type: "double",
    needs: "batch",
    config: z.strictObject({}),
    output: ({ main }) => ({ main: main! }),
    create: () => ({
      async *apply(batches) {
        for await (const batch of batches) yield recorder.batches.of(taken(batch).map((n) => 2 * n));
      },
    }),
  });
}

/** `breaks`: hands rows on, odd ones on the port `odd`, and fails with `broke` when it sees the number `at`. */
function breaks(recorder: Recorder): unknown {
  return defineTransform({
    ...declared,
    type: "breaks",
    needs: "batch",
    ports: { odd: "Odd numbers." },
    config: z.strictObject({ at: z.int().default(-1) }),
    output: ({ main }) => ({ main: main!, odd: numbers }),
    create: ({ at }) => ({
      async *apply(batches) {
        for await (const batch of batches) {
          const values = taken(batch);
          if (values.includes(at)) throw new OperatorError({ code: "broke", message: `There is a ${at}.` });
          yield recorder.batches.of(values.filter((n) => n % 2 === 0));
          yield port("odd", recorder.batches.of(values.filter((n) => n % 2 === 1)));
        }
      },
    }),
  });
}

/** `idler`: never looks at its input. */
function idler(): unknown {
  return defineTransform({
    ...declared,
    type: "idler",
    needs: "batch",
    config: z.strictObject({}),
    output: ({ main }) => ({ main: main! }),
    create: () => ({ apply: async function* () {} }),
  });
}

/** `pair`: all of `right` before the first of `left`. */
function pair(recorder: Recorder): unknown {
  return defineTransform({
    ...declared,
    type: "pair",
    needs: "epoch",
    inputs: { left: "Rows.", right: "Rows." },
    config: z.strictObject({}),
    output: () => ({ main: numbers }),
    create: () => ({
      async *apply(_, __, { left, right }) {
        for await (const batch of right!) yield recorder.batches.of(taken(batch));
        for await (const batch of left!) yield recorder.batches.of(taken(batch));
      },
    }),
  });
}

/** `keeper`: stages the numbers and publishes them into the recorder; waits `slowMs` at each batch. Also under another name. */
function keeper(recorder: Recorder, type: "keeper" | "other-keeper"): unknown {
  return defineSink({
    ...declared,
    type,
    delivery: { guarantee: "exactly-once", why: "an epoch replaces itself" },
    config: z.strictObject({ slowMs: z.int().default(0) }),
    create: ({ slowMs }, { operatorId: id }) => ({
      open: async () => recorder.call(`${id}.open 0`),
      stage: async (batches, { id: epoch, timeMs, seed }) => {
        recorder.call(`${id}.stage ${epoch}`);
        recorder.epochs.push({ id: epoch, timeMs, seed });
        const rows: number[] = [];
        for await (const batch of batches) {
          if (slowMs > 0) await setTimeout(slowMs);
          rows.push(...valuesOf(batch));
        }
        if (rows.length === 0) return null;
        recorder.staged.set(`${id} ${epoch}`, rows);
        return { rows: rows.length, record: rows };
      },
      publish: async ({ record }, { id: epoch }) => {
        recorder.call(`${id}.publish ${epoch}`);
        recorder.visible.set(`${id} ${epoch}`, record as number[]);
        return { files: [`${id}-${epoch}`] };
      },
      discard: async (epoch) => {
        recorder.call(`${id}.discard ${epoch}`);
        recorder.staged.delete(`${id} ${epoch}`);
      },
      close: async () => recorder.call(`${id}.close 0`),
    }),
  });
}

/** Numbers of a batch; positions of one from an `invalid` port. */
function valuesOf(batch: Batch): number[] {
  if (batch.schema.column("n") !== undefined) return taken(batch);
  const positions = Array.from(batch.column("position").values, Number);
  batch.close();
  return positions;
}
