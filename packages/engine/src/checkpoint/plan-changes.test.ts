import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { defineSource } from "@sferic/operator";
import { beforeEach, expect, test } from "vitest";
import { z } from "zod";
import type { RunEvent } from "../events.ts";
import type { RunResult } from "../result.ts";
import { runPipeline } from "../run.ts";
import { declared, Recorder } from "../testing/recorder.ts";
import { scratchFolder } from "../testing/scratch.ts";
import type { PlanChange } from "./plan-changes.ts";

const spec = {
  name: "p",
  sources: { numbers: { type: "numbers" }, table: { type: "table", query: "SELECT 1" } },
  transforms: { doubled: { type: "double", from: "numbers" } },
  sinks: { a: { type: "keeper", from: "doubled" }, b: { type: "keeper", from: "table" } },
  run: { trigger: "available-now" },
};

/** Has nothing, and offsets that belong to one query. */
const table = defineSource({
  ...declared,
  type: "table",
  positionFields: ["query"],
  config: z.strictObject({ query: z.string(), note: z.string().default("") }),
  output: () => ({ main: null }),
  create: () => ({ latestOffset: async () => null, read: async function* () {} }),
});

let recorder: Recorder;
let checkpoint: string;

beforeEach(async () => {
  recorder = new Recorder([table as never]);
  recorder.available["numbers"] = 3;
  checkpoint = await scratchFolder();
  expect(await run(spec)).toMatchObject({ result: { state: "succeeded", epochs: 1 }, changes: null });
});

/** A run, and the changes that it tells; null when it tells of none. */
async function run(changed: object): Promise<{ result: RunResult; changes: readonly PlanChange[] | null }> {
  let changes: readonly PlanChange[] | null = null;
  const onEvent = (event: RunEvent): void => {
    if (event.type === "spec-changed") changes = event.changes;
  };
  const result = await runPipeline(changed, { registry: recorder.registry, checkpoint, onEvent });
  return { result, changes };
}

const { doubled } = spec.transforms;
const { numbers, table: tableFields } = spec.sources;

test.each<[what: string, changed: object, messages: (string | RegExp)[]]>([
  ["bounds and the trigger", { sources: { ...spec.sources, numbers: { ...numbers, rowsPerEpoch: 1 } }, run: {} }, []],
  [
    "a field of a source on which offsets do not depend",
    { sources: { ...spec.sources, table: { ...tableFields, note: "x" } } },
    ['of the source "table", "note" changed; this holds from the next epoch on'],
  ],
  [
    "another sink, and one that is gone",
    { sinks: { b: spec.sinks.b, c: { type: "keeper", from: "doubled" } } },
    ['the sink "a" is no longer there', 'the sink "c" is new; it gets rows from now on'],
  ],
  [
    "a sink of another type that reads something else",
    { sinks: { ...spec.sinks, a: { type: "other-keeper", from: "numbers" } } },
    ['"a" was a sink of the type "keeper" and is now a sink of the type "other-keeper"'],
  ],
  ["what a sink reads", { sinks: { ...spec.sinks, a: { type: "keeper", from: "numbers" } } }, [/"from" changed/]],
  [
    "another source",
    { sources: { ...spec.sources, more: numbers } },
    ['the source "more" is new; it is read from its beginning'],
  ],
])("safe: %s; told once, by the run that finds it", async (_, changed, messages) => {
  const { result, changes } = await run({ ...spec, ...changed });
  expect(result).toMatchObject({ state: "succeeded" });
  const texts = messages.map((message) => (typeof message === "string" ? message : expect.stringMatching(message)));
  expect(changes).toEqual(texts.map((message) => ({ operatorId: expect.any(String), effect: "safe", message })));
  expect(await run({ ...spec, ...changed })).toMatchObject({ result: { state: "succeeded" }, changes: null });
});

test.each<[what: string, changed: object, message: string]>([
  [
    "a field without which offsets mean nothing",
    { sources: { ...spec.sources, table: { ...tableFields, query: "SELECT 2" } } },
    'needs a reset: of the source "table", "query" changed',
  ],
  [
    "a source of another type",
    { sources: { ...spec.sources, table: { type: "numbers" } } },
    'refused: "table" was a source of the type "table" and is now a source of the type "numbers"',
  ],
  [
    "a transform of another type",
    { transforms: { doubled: { type: "idler", from: "numbers" } } },
    'refused: "doubled" was a transform of the type "double"',
  ],
])("%s is not safe: no run begins, and the checkpoint stays as it is", async (_, changed, message) => {
  const identity = await readFile(join(checkpoint, "pipeline.json"), "utf8");
  const { result } = await run({ ...spec, ...changed });
  expect(result).toMatchObject({ state: "failed", epochs: 0 });
  expect(result.error).toMatchObject({ code: "checkpoint-mismatch", message: expect.stringContaining(message) });
  expect(await readFile(join(checkpoint, "pipeline.json"), "utf8")).toBe(identity);
  recorder.available["numbers"] = 5;
  expect(await run(spec)).toMatchObject({ result: { state: "succeeded", epochs: 1 }, changes: null });
});

test("a transform that remembers rows needs a reset when one of its fields changes", async () => {
  await mkdir(join(checkpoint, "state", "doubled"), { recursive: true });
  const changed = { ...spec, transforms: { doubled: { ...doubled, from: "table" } } };
  const { result } = await run(changed);
  const message = expect.stringContaining('needs a reset: of the transform "doubled", "from" changed');
  expect(result.error).toMatchObject({ code: "checkpoint-mismatch", message });
});

test("values do not stand in the checkpoint", async () => {
  expect(await readFile(join(checkpoint, "pipeline.json"), "utf8")).not.toContain("SELECT");
});
