import { copyFile, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import type { RunResult } from "../result.ts";
import { runPipeline } from "../run.ts";
import { Recorder } from "../testing/recorder.ts";
import { scratchFolder } from "../testing/scratch.ts";
import { tear, threeEpochs } from "../testing/three-epochs.ts";
import { inspectCheckpoint } from "./inspect.ts";
import { acquireLock } from "./lock.ts";
import { repairCheckpoint } from "./repair.ts";

let recorder: Recorder;
let directory: string;

/** Two sources, of which the second has numbers in the first epoch only. */
const spec = {
  ...threeEpochs,
  sources: { ...threeEpochs.sources, few: { type: "numbers", rowsPerEpoch: 10 } },
  sinks: { ...threeEpochs.sinks, b: { type: "keeper", from: "few" } },
};

beforeEach(async () => {
  recorder = new Recorder();
  Object.assign(recorder.available, { numbers: 30, few: 5 });
  directory = join(await scratchFolder(), "check");
  expect((await run()).epochs).toBe(3);
});

function run(): Promise<RunResult> {
  return runPipeline(spec, { registry: recorder.registry, checkpoint: directory });
}

const at = (name: string): string =>
  join(directory, name.replace("/", "/000000000") + (name.includes("/") ? ".json" : ""));

test("a sound checkpoint needs nothing", async () => {
  expect(await repairCheckpoint(directory, { apply: true })).toEqual({ actions: [], beyondRepair: [] });
});

test.each<[what: string, damage: () => Promise<void>, actions: string[]]>([
  ["the newest record torn", () => tear(at("commits/2")), ["set-aside commits/2"]],
  [
    "the newest prepared record torn",
    () => rm(at("commits/2")).then(() => tear(at("prepared/2"))),
    ["set-aside prepared/2"],
  ],
  ["an older commit torn", () => tear(at("commits/0")), ["set-aside commits/0", "rebuild commits/0"]],
  ["an older prepared record gone", () => rm(at("prepared/1")), ["rebuild prepared/1"]],
  ["the newest prepared record gone, but committed", () => rm(at("prepared/2")), ["rebuild prepared/2"]],
  ["an older intent torn", () => tear(at("offsets/1")), ["set-aside offsets/1", "rebuild offsets/1"]],
  [
    "an intent under a later number",
    () => rename(at("offsets/1"), at("offsets/7")),
    ["set-aside offsets/7", "rebuild offsets/1"],
  ],
])("%s: it is put right, and the next run goes on where the last one was", async (_, damage, actions) => {
  const intent = await readFile(at("offsets/1"), "utf8");
  await damage();
  const planned = await repairCheckpoint(directory, { apply: false });
  expect(
    planned.actions.map(
      ({ does, path }) => `${does} ${path.replace(`${directory}/`, "").replace(/0{9}(\d)\.json/, "$1")}`,
    ),
  ).toEqual(actions);
  const names = await recordNames();
  expect(await repairCheckpoint(directory, { apply: true })).toEqual(planned);
  const after = await recordNames();
  expect(names.filter((name) => !after.some((other) => other.startsWith(name)))).toEqual([]);
  const { findings } = await inspectCheckpoint(directory);
  expect(findings).toEqual([]);
  // The rebuilt range is the one that was lost.
  expect(rangeOf(await readFile(at("offsets/1"), "utf8"))).toEqual(rangeOf(intent));
  recorder.available["numbers"] = 35;
  expect(await run()).toMatchObject({ state: "succeeded" });
  expect(recorder.rows("a")).toEqual(Array.from({ length: 35 }, (__, n) => n));
  expect(recorder.rows("b")).toEqual([0, 1, 2, 3, 4]);
});

async function recordNames(): Promise<string[]> {
  return (await readdir(directory, { recursive: true })).filter((name) => !name.startsWith("LOCK")).toSorted();
}

function rangeOf(text: string): unknown {
  return (JSON.parse(text) as { record: { sources: unknown } }).record.sources;
}

test.each<[what: string, damage: () => Promise<void>, place: string, why: string]>([
  ["the identity gone", () => rm(at("pipeline.json")), "pipeline.json", "whose the checkpoint is"],
  ["the newest intent gone", () => rm(at("offsets/2")), "offsets/2", "stands in no other record"],
  ["the only intent that read a source", () => rm(at("offsets/0")), "offsets/0", 'how far the source "few" was read'],
  [
    "all records of an epoch",
    async () => {
      for (const folder of ["offsets", "prepared", "commits"]) await rm(at(`${folder}/1`));
    },
    "offsets/1",
    "which sources it read",
  ],
])("%s is beyond repair, and nothing is touched", async (_, damage, place, why) => {
  await damage();
  const before = await recordNames();
  const { beyondRepair } = await repairCheckpoint(directory, { apply: true });
  expect(beyondRepair).toContainEqual({ path: at(place), why: expect.stringContaining(why) });
  expect(await recordNames()).toEqual(before);
});

test("a source that is read whole in every epoch needs no range", async () => {
  const checkpoint = join(await scratchFolder(), "check");
  const sources = { ...threeEpochs.sources, few: { type: "numbers", role: "reference" } };
  const looking = { ...spec, sources };
  const options = { registry: recorder.registry, checkpoint };
  expect(await runPipeline(looking, options)).toMatchObject({ state: "succeeded", epochs: 3 });
  await rm(join(checkpoint, "offsets/0000000001.json"));
  expect((await repairCheckpoint(checkpoint, { apply: true })).beyondRepair).toEqual([]);
  expect(await runPipeline(looking, options)).toMatchObject({ state: "succeeded", epochs: 0 });
});

test("what was set aside before stays", async () => {
  await copyFile(at("commits/2"), `${at("commits/2")}.torn`);
  await tear(at("commits/2"));
  await repairCheckpoint(directory, { apply: true });
  expect(await readdir(join(directory, "commits"))).toEqual(
    expect.arrayContaining(["0000000002.json.torn", "0000000002.json.2.torn"]),
  );
});

test("a run that lives keeps its checkpoint", async () => {
  const lock = await acquireLock(directory);
  await expect(repairCheckpoint(directory, { apply: true })).rejects.toMatchObject({ code: "checkpoint-locked" });
  await lock.release();
});

test("a folder that is none is refused", async () => {
  await expect(repairCheckpoint(join(directory, ".."), { apply: false })).rejects.toMatchObject({
    code: "checkpoint-not-found",
  });
});
