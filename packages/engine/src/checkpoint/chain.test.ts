import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import type { RunResult } from "../result.ts";
import { runPipeline } from "../run.ts";
import { Recorder } from "../testing/recorder.ts";
import { scratchFolder } from "../testing/scratch.ts";
import { ranThreeEpochs, tear, threeEpochs } from "../testing/three-epochs.ts";
import { inspectCheckpoint } from "./inspect.ts";
import { decodeWhole, encodeRecord } from "./records.ts";
import { repairCheckpoint } from "./repair.ts";

let recorder: Recorder;
let directory: string;

beforeEach(async () => {
  ({ recorder, directory } = await ranThreeEpochs());
});

function run(spec: object = threeEpochs): Promise<RunResult> {
  return runPipeline(spec, { registry: recorder.registry, checkpoint: directory });
}

const at = (folder: string, epoch: number, of = directory): string => join(of, folder, `000000000${epoch}.json`);

const kinds = ["offsets", "prepared", "commits"];

/** Expects that the file is named, by a look at the checkpoint and by a run, which touches nothing. */
async function expectFound(path: string, reason: RegExp): Promise<void> {
  const message = expect.stringMatching(reason);
  const { findings } = await inspectCheckpoint(directory);
  expect(findings).toContainEqual({ problem: "corrupt", severity: "error", path, message });
  recorder.available["numbers"] = 40;
  const { state, error } = await run();
  expect({ state, code: error?.code, details: error?.details }).toEqual({
    state: "failed",
    code: "checkpoint-corrupt",
    details: { path },
  });
  expect(recorder.rows("a")).toEqual(Array.from({ length: 30 }, (_, n) => n));
}

test.each(kinds.flatMap((kind) => [1, 2].map((epoch) => [kind, epoch] as const)))(
  "%s/%i replaced by that of epoch 0",
  async (kind, epoch) => {
    await cp(at(kind, 0), at(kind, epoch));
    await expectFound(at(kind, epoch), new RegExp(`belongs to epoch 0, not to epoch ${epoch}`));
  },
);

test("all records of an epoch replaced by those of another, and nothing says what they were", async () => {
  for (const kind of kinds) await cp(at(kind, 1), at(kind, 2));
  await expectFound(at("commits", 2), /belongs to epoch 1, not to epoch 2/);
  expect((await repairCheckpoint(directory, { apply: true })).beyondRepair).not.toEqual([]);
});

test.each(kinds)("%s replaced by a record of another kind", async (kind) => {
  const other = kinds[(kinds.indexOf(kind) + 1) % 3]!;
  await cp(at(other, 1), at(kind, 1));
  await expectFound(at(kind, 1), /is of the kind/);
});

test.each(kinds)("%s replaced by the record of another checkpoint", async (kind) => {
  const other = join(await scratchFolder(), "check");
  await runPipeline(threeEpochs, { registry: new Recorder().registry, checkpoint: other });
  const more = new Recorder();
  more.available["numbers"] = 30;
  await runPipeline(threeEpochs, { registry: more.registry, checkpoint: other });
  await cp(at(kind, 2, other), at(kind, 2));
  await expectFound(at(kind, 2), /belongs to another checkpoint/);
});

test.each(kinds)("%s replaced by another record of its epoch", async (kind) => {
  const { of, record } = decodeWhole<object>(await readFile(at(kind, 1), "utf8"));
  await writeFile(at(kind, 1), encodeRecord({ ...record, other: true }, of));
  await expectFound(at(kind, 1), /is not the one that was written/);
});

test("a record of before records said whose they are, among others", async () => {
  await writeFile(
    at("prepared", 1),
    encodeRecord(decodeWhole<object>(await readFile(at("prepared", 1), "utf8")).record),
  );
  await expectFound(at("prepared", 1), /older than the one before it/);
});

test("an older copy of pipeline.json, from before the spec changed", async () => {
  const path = join(directory, "pipeline.json");
  const before = await readFile(path);
  recorder.available["numbers"] = 35;
  expect(
    (await run({ ...threeEpochs, sinks: { ...threeEpochs.sinks, b: { type: "keeper", from: "numbers" } } })).epochs,
  ).toBe(1);
  await writeFile(path, before);
  const { findings } = await inspectCheckpoint(directory);
  expect(findings).toMatchObject([{ problem: "corrupt", path, message: expect.stringContaining("an older copy") }]);
  expect((await run()).error).toMatchObject({ code: "checkpoint-corrupt", details: { path } });
});

test("a repaired record stands for the one that was there, also for a second repair", async () => {
  for (const [kind, epoch] of [
    ["commits", 0],
    ["offsets", 1],
    ["prepared", 1],
  ] as const) {
    await tear(at(kind, epoch));
    expect((await repairCheckpoint(directory, { apply: true })).beyondRepair).toEqual([]);
    expect((await inspectCheckpoint(directory)).findings).toEqual([]);
  }
  recorder.available["numbers"] = 40;
  expect(await run()).toMatchObject({ state: "succeeded", epochs: 1 });
  await rm(at("prepared", 1));
  expect((await repairCheckpoint(directory, { apply: true })).actions).toHaveLength(1);
  expect((await inspectCheckpoint(directory)).findings).toEqual([]);
});

test.each(["pipeline.json", "schemas.json"])("%s replaced by the copy of the newest record", async (name) => {
  const path = join(directory, name);
  await cp(join(directory, "newest.json"), path);
  const { findings } = await inspectCheckpoint(directory);
  expect(findings).toMatchObject([{ problem: "corrupt", path }]);
  expect((await repairCheckpoint(directory, { apply: false })).actions).toEqual([]);
});
