import { readFile } from "node:fs/promises";
import { defineTransform, isBatch } from "@sferic/operator";
import { tableFromArrays } from "apache-arrow";
import { afterEach, expect, test } from "vitest";
import { z } from "zod";
import type { RunEvent } from "./events.ts";
import type { RunResult } from "./result.ts";
import { runPipeline } from "./run.ts";
import { taken } from "./testing/number-batches.ts";
import { declared, Recorder } from "./testing/recorder.ts";
import { scratchFolder } from "./testing/scratch.ts";

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

let recorder = new Recorder();

/** Runs a pipeline over `count` numbers of the source `numbers`, one to a batch. */
async function flow(
  count: number,
  parts: { sources?: object; transforms?: object; sinks: object; run?: object },
): Promise<RunResult> {
  recorder.available["numbers"] = count;
  const sources = { numbers: { type: "numbers", batchRows: 1 }, ...parts.sources };
  return runPipeline(
    { name: "p", ...parts, sources },
    { registry: recorder.registry, baseDirectory: await scratchFolder() },
  );
}

afterEach(() => {
  expect(recorder.batches.open).toBe(0);
  recorder = new Recorder();
});

test("every reader of a port gets every row, and every handle is closed", async () => {
  const keepers = Object.fromEntries(["a", "b", "c"].map((id) => [id, { type: "keeper", from: "numbers" }]));
  const result = await flow(50, { transforms: { same: { type: "double", from: "numbers" } }, sinks: keepers });
  expect(result).toMatchObject({ state: "succeeded", rows: { read: 50, written: 150 } });
  for (const id of ["a", "b", "c"]) expect(recorder.rows(id)).toEqual(upTo(50));
});

test("a slow reader holds the source back", async () => {
  const transforms = { doubled: { type: "double", from: "numbers" } };
  await flow(200, { transforms, sinks: { slow: { type: "keeper", from: "doubled", slowMs: 1 } } });
  expect(recorder.rows("slow")).toHaveLength(200);
  // Four in each of two queues, and one in each of three pairs of hands.
  expect(recorder.batches.openMax).toBeLessThanOrEqual(11);
});

test("several full producers of one slow input all come to their end", async () => {
  recorder.available["others"] = 60;
  const sources = { others: { type: "numbers", batchRows: 1 } };
  const transforms = { doubled: { type: "double", from: "numbers" } };
  await flow(60, {
    sources,
    transforms,
    sinks: { all: { type: "keeper", from: ["numbers", "others", "doubled"], slowMs: 1 } },
  });
  const expected = [...upTo(60), ...upTo(60), ...upTo(60).map((n) => 2 * n)];
  expect(recorder.rows("all")).toEqual(expected.toSorted((a, b) => a - b));
});

test("a diamond into an operator that reads one side before the other does not stop", async () => {
  const transforms = {
    doubled: { type: "double", from: "numbers" },
    both: { type: "pair", from: { left: "numbers", right: "doubled" } },
  };
  await flow(300, { transforms, sinks: { all: { type: "keeper", from: "both" } } });
  expect(recorder.rows("all")).toHaveLength(600);
});

test("an operator that never looks at its input does not hold back the others", async () => {
  const transforms = { idle: { type: "idler", from: "numbers" } };
  const sinks = { none: { type: "keeper", from: "idle" }, all: { type: "keeper", from: "numbers" } };
  const result = await flow(100, { transforms, sinks });
  expect(result.operators["none"]).toMatchObject({ rowsIn: 0, files: [] });
  expect(recorder.rows("all")).toEqual(upTo(100));
});

test("an error in one operator stops the others and is told with the operator's id", async () => {
  const transforms = { picky: { type: "breaks", from: "numbers", at: 7 } };
  const sinks = {
    some: { type: "keeper", from: "picky" },
    all: { type: "keeper", from: "numbers", slowMs: 1 },
  };
  const result = await flow(10_000, { transforms, sinks });
  expect(result).toMatchObject({ state: "failed", epochs: 0, rows: { written: 0 } });
  expect(result.error).toMatchObject({ code: "broke", operatorId: "picky", message: "There is a 7." });
  expect(recorder.visible.size).toBe(0);
});

test("what follows a transform that gives nothing learns its columns all the same", async () => {
  const swallow = defineTransform({
    ...declared,
    type: "swallow",
    needs: "batch",
    config: z.strictObject({}),
    output: ({ main }) => ({ main: main! }),
    create: () => ({
      async *apply(batches) {
        for await (const batch of batches) batch.close();
        yield* [];
      },
    }),
  });
  const seen: (readonly string[])[] = [];
  const look = defineTransform({
    ...declared,
    type: "look",
    needs: "batch",
    config: z.strictObject({}),
    output: ({ main }) => ({ main: main! }),
    create: () => ({
      async *apply(batches) {
        for await (const batch of batches) {
          seen.push(batch.schema.names);
          yield batch;
        }
      },
    }),
  });
  recorder = new Recorder([swallow as never, look as never]);
  const transforms = { swallowed: { type: "swallow", from: "numbers" }, seen: { type: "look", from: "swallowed" } };
  await flow(4, { transforms, sinks: { a: { type: "keeper", from: "seen" } } });
  expect(seen).toEqual([["n"]]);
  expect(recorder.rows("a")).toEqual([]);
});

test("a transform may return apache-arrow tables, on any port", async () => {
  const squares = defineTransform({
    ...declared,
    type: "squares",
    needs: "batch",
    ports: { negative: "-1 - n." },
    config: z.strictObject({}),
    output: ({ main }) => ({ main: main!, negative: main! }),
    create: () => ({
      async *apply(batches) {
        for await (const batch of batches) {
          expect(isBatch(batch)).toBe(true);
          const values = taken(batch);
          yield tableFromArrays({ n: Int32Array.from(values, (n) => n * n) });
          yield { port: "negative", batch: tableFromArrays({ n: Int32Array.from(values, (n) => -n - 1) }) };
        }
      },
    }),
  });
  recorder = new Recorder([squares as never]);
  const transforms = { squared: { type: "squares", from: "numbers" } };
  const sinks = { a: { type: "keeper", from: "squared" }, b: { type: "keeper", from: "squared.negative" } };
  const result = await flow(4, { transforms, sinks });
  expect(result.operators["squared"]).toEqual({ kind: "transform", rowsIn: 4, rowsOut: 4, ports: { negative: 4 } });
  expect([recorder.rows("a"), recorder.rows("b")]).toEqual([
    [0, 1, 4, 9],
    [-4, -3, -2, -1],
  ]);
});

test("input that cannot become rows goes to whoever reads the invalid port", async () => {
  recorder.broken.add(2).add(5);
  const result = await flow(8, {
    sinks: { good: { type: "keeper", from: "numbers" }, bad: { type: "keeper", from: "numbers.invalid" } },
  });
  expect(result).toMatchObject({ state: "succeeded", rows: { read: 6, invalid: 2 }, deadLetters: [] });
  expect([recorder.rows("good"), recorder.rows("bad")]).toEqual([
    [0, 1, 3, 4, 6, 7],
    [2, 5],
  ]);
});

test("or to the dead letters, as exactly as the rows", async () => {
  recorder.broken.add(2).add(15);
  recorder.available["numbers"] = 20;
  const baseDirectory = await scratchFolder();
  const events: RunEvent[] = [];
  const spec = {
    name: "p",
    sources: { numbers: { type: "numbers", rowsPerEpoch: 10 } },
    sinks: { good: { type: "keeper", from: "numbers" } },
    run: { trigger: "available-now", checkpoint: "./check" },
  };
  const options = { registry: recorder.registry, baseDirectory };
  const crash = (event: RunEvent): void => {
    if (event.type === "invalid" && event.epoch === 1) throw new Error("crash");
  };
  const failed = await runPipeline(spec, { ...options, onEvent: crash });
  expect(failed.state).toBe("failed");
  const result = await runPipeline(spec, { ...options, onEvent: (event) => void events.push(event) });
  expect(result.state).toBe("succeeded");
  const letters = await Promise.all(
    [...new Set([...failed.deadLetters, ...result.deadLetters])].map((path) => readFile(path, "utf8")),
  );
  expect(
    letters.flatMap((text) => {
      const [, ...lines] = text.trimEnd().split("\n");
      return lines.map((line) => JSON.parse(line) as object);
    }),
  ).toEqual([
    { epoch: 0, source: "numbers", name: "2.txt", reason: "cut short", position: 2 },
    { epoch: 1, source: "numbers", name: "15.txt", reason: "cut short", position: 15 },
  ]);
  expect(events).toContainEqual({
    type: "invalid",
    epoch: 1,
    operatorId: "numbers",
    name: "15.txt",
    reason: "cut short",
  });
});

test("a share of invalid input above invalidRatioMax ends the run before anything is visible", async () => {
  recorder.broken.add(1).add(2).add(3);
  const sinks = { good: { type: "keeper", from: "numbers" } };
  const result = await flow(10, { sinks, run: { invalidRatioMax: 0.2 } });
  expect(result.error).toMatchObject({
    code: "invalid-ratio-exceeded",
    operatorId: "numbers",
    message: expect.stringContaining("0.300"),
  });
  expect(recorder.visible.size).toBe(0);
  expect(await flow(10, { sinks, run: { invalidRatioMax: 0.3 } })).toMatchObject({ state: "succeeded" });
});

test("an epoch whose batches have no rows stages nothing", async () => {
  recorder.broken.add(0);
  const sinks = { good: { type: "keeper", from: "numbers" } };
  expect(await flow(1, { sinks })).toMatchObject({ state: "succeeded", epochs: 1, rows: { read: 0, written: 0 } });
  expect(recorder.of("good.publish")).toEqual([]);
});

test("nothing to read is a run without epochs", async () => {
  expect(await flow(0, { sinks: { good: { type: "keeper", from: "numbers" } } })).toMatchObject({
    state: "succeeded",
    epochs: 0,
  });
});
