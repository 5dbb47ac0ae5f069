import { defineSource } from "@sferic/operator";
import { expect, test } from "vitest";
import { z } from "zod";
import { planPipeline } from "./plan.ts";
import { runPipeline } from "./run.ts";
import { numbers } from "./testing/number-batches.ts";
import { declared, Recorder } from "./testing/recorder.ts";

/** `pages`: counts files, not rows. */
const pages = defineSource({
  ...declared,
  type: "pages",
  config: z.strictObject({}),
  bounds: () => ["filesPerEpoch"],
  output: () => ({ main: numbers }),
  create: () => ({ latestOffset: () => Promise.resolve(null), async *read() {} }),
});

const { registry } = new Recorder([pages] as never[]);

async function issuesOf(source: object, run: object = {}): Promise<string[]> {
  const sources = { a: source, other: { type: "pages", filesPerEpoch: 1, rowsPerEpoch: undefined } };
  const spec = { name: "p", sources, sinks: { end: { type: "keeper", from: ["a", "other"] } }, run };
  const { issues } = await planPipeline(spec, { registry });
  return issues
    .filter(({ message }) => !message.includes('"other"'))
    .map(({ code, pointer, message }) => `${code} ${pointer} ${message}`);
}

test("a bound that a source cannot keep is refused, and the one named that it can", async () => {
  expect(await issuesOf({ type: "pages", rowsPerEpoch: 5 })).toEqual([
    'unused-bound /sources/a/rowsPerEpoch the source "a" (pages) cannot keep rowsPerEpoch: set filesPerEpoch instead',
  ]);
  expect(await issuesOf({ type: "pages" }, { rowsPerEpoch: 5 })).toEqual([
    'unused-bound /run/rowsPerEpoch the source "a" (pages) cannot keep rowsPerEpoch: set it on the sources that can, or set filesPerEpoch instead',
  ]);
  expect(await issuesOf({ type: "pages", filesPerEpoch: 5 }, { filesPerEpoch: 3 })).toEqual([]);
  expect(await issuesOf({ type: "numbers", rowsPerEpoch: 5 })).toEqual([]);
});

test("a source that is read whole has no bounds, those of the run are not for it", async () => {
  expect(await issuesOf({ type: "pages", role: "reference", filesPerEpoch: 5 })).toEqual([
    'unused-bound /sources/a/filesPerEpoch "a" is read whole in every epoch; leave filesPerEpoch out',
  ]);
  expect(await issuesOf({ type: "pages", role: "reference" }, { rowsPerEpoch: 5 })).toEqual([]);
});

test("the bounds of a run hold for sources that set none", async () => {
  const recorder = new Recorder();
  recorder.available["numbers"] = 25;
  const spec = {
    name: "p",
    sources: { numbers: { type: "numbers" } },
    sinks: { end: { type: "keeper", from: "numbers" } },
    run: { trigger: "available-now", rowsPerEpoch: 10 },
  };
  expect(await runPipeline(spec, { registry: recorder.registry })).toMatchObject({ state: "succeeded", epochs: 3 });
});
