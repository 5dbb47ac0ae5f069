import {
  type Batch,
  column,
  createRegistry,
  defineSink,
  defineSource,
  defineTransform,
  OperatorError,
  port,
  type Registry,
  Schema,
} from "@sferic/operator";
import { z } from "zod";

/** What the operators of a {@link countingRegistry} did. */
export interface Doings {
  /** Numbers of the files that were read, in order. */
  readonly filesRead: number[];
  sinksOpened: number;
  batchesOpen: number;
}

const numbers = new Schema([column("n", "int32")]);

/**
 * Operators without files or native code. Source `counting`: `files` files of `rowsPerFile` rows, n = 0, 1, 2 …; a file
 * whose number is in `broken` is invalid. Transforms: `pass`; `total`, which needs all rows, fails below `rowsMin` of
 * them, and gives their sum on the port `sum`. Sink `never` counts how often it is opened.
 */
export function countingRegistry(doings: Doings): Registry {
  const batches = {
    fromArrow: unused,
    fromRows: unused,
    latestEventTimeMs: () => null,
    splitByEventTime: unused,
    concat: () => batchOf(doings, []),
  };
  return createRegistry(batches, [], [countingSource(doings), pass, total(doings), never(doings)]);
}

function countingSource(doings: Doings): ReturnType<typeof defineSource> {
  const config = z.strictObject({
    files: z.int(),
    rowsPerFile: z.int().default(10),
    broken: z.array(z.int()).default([]),
  });
  return defineSource({
    ...common(),
    type: "counting",
    config,
    output: () => ({ main: numbers }),
    create: (c) => ({
      latestOffset: async (previous, { filesPerEpoch = Number.POSITIVE_INFINITY }) => {
        const end = Math.min(c.files, Number(previous ?? 0) + filesPerEpoch);
        return end === Number(previous ?? 0) ? null : end;
      },
      async *read(start, end) {
        for (let file = Number(start ?? 0); file < Number(end); file++) {
          doings.filesRead.push(file);
          if (c.broken.includes(file)) yield { invalid: { name: `${file}.txt`, reason: "cut short", position: null } };
          else
            yield batchOf(
              doings,
              Array.from({ length: c.rowsPerFile }, (_, row) => file * c.rowsPerFile + row),
            );
        }
      },
    }),
  }) as never;
}

const pass = defineTransform({
  ...common(),
  type: "pass",
  needs: "batch",
  config: z.strictObject({}),
  output: ({ main }) => ({ main: main! }),
  create: () => ({ apply: (batches) => batches }),
});

function total(doings: Doings): ReturnType<typeof defineTransform> {
  return defineTransform({
    ...common(),
    type: "total",
    needs: "epoch",
    ports: { sum: "The sum." },
    config: z.strictObject({ rowsMin: z.int().default(0) }),
    output: ({ main }) => ({ main: main!, sum: numbers }),
    create: ({ rowsMin }) => ({
      async *apply(batches) {
        let [sum, rows] = [0, 0];
        for await (const batch of batches) {
          const { values } = batch.column("n") as { values: Int32Array };
          for (const value of values) sum += value;
          rows += batch.rowCount;
          batch.close();
        }
        if (rows < rowsMin) throw new OperatorError({ code: "too-few-rows", message: `${rows} rows are too few.` });
        yield port("sum", batchOf(doings, [sum]));
      },
    }),
  }) as never;
}

function never(doings: Doings): ReturnType<typeof defineSink> {
  return defineSink({
    ...common(),
    type: "never",
    delivery: { guarantee: "exactly-once", why: "nothing is ever written" },
    config: z.strictObject({}),
    create: () => ({
      open: async () => {
        doings.sinksOpened += 1;
      },
      stage: async () => null,
      publish: async () => ({ files: [] }),
    }),
  }) as never;
}

function batchOf(doings: Doings, values: readonly number[]): Batch {
  let open = true;
  doings.batchesOpen += 1;
  const batch: Batch = {
    schema: numbers,
    rowCount: values.length,
    byteLength: values.length * 4,
    column: () => ({ values: Int32Array.from(values) }),
    toArrow: () => ({ getChild: () => ({ get: (index: number) => values[index] }) }) as never,
    share: () => batchOf(doings, values),
    close: () => {
      if (open) doings.batchesOpen -= 1;
      open = false;
    },
  };
  return batch;
}

function common(): { since: string; status: "stable"; summary: string; errors: string[]; examples: never[] } {
  return { since: "0.1.0", status: "stable", summary: "For tests.", errors: [], examples: [] };
}

function unused(): never {
  throw new Error("The doubles make their own batches.");
}
