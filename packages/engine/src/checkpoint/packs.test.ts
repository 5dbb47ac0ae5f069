import { cp, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { RunResult } from "../result.ts";
import { runPipeline } from "../run.ts";
import { Recorder } from "../testing/recorder.ts";
import { scratchFolder } from "../testing/scratch.ts";
import { tear } from "../testing/three-epochs.ts";
import { Checkpoint } from "./checkpoint.ts";
import { inspectCheckpoint } from "./inspect.ts";
import { packedEpochs } from "./packs.ts";
import { decodeWhole, encodeRecord } from "./records.ts";
import { repairCheckpoint } from "./repair.ts";

const folders = ["offsets", "prepared", "commits"];
const epochCount = 3 * packedEpochs + 5;
const packs = ["0000000000-0000000099.jsonl", "0000000100-0000000199.jsonl"];

/** A run that is over, of which every test gets a copy. */
let root: string;
let whole: Recorder;
let recorder: Recorder;
let directory: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sferic-packs-"));
  [recorder, directory] = [new Recorder(), join(root, "check")];
  recorder.available["numbers"] = epochCount;
  expect(await run()).toMatchObject({ state: "succeeded", epochs: epochCount });
  whole = recorder;
});

afterAll(() => rm(root, { recursive: true }));

beforeEach(async () => {
  recorder = new Recorder();
  recorder.available["numbers"] = epochCount;
  for (const [key, rows] of whole.visible) recorder.visible.set(key, rows);
  directory = join(await scratchFolder(), "check");
  await cp(join(root, "check"), directory, { recursive: true });
});

function run(): Promise<RunResult> {
  const spec = {
    name: "p",
    sources: { numbers: { type: "numbers", rowsPerEpoch: 1 } },
    sinks: { a: { type: "keeper", from: "numbers" } },
    run: { trigger: "available-now" },
  };
  return runPipeline(spec, { registry: recorder.registry, checkpoint: directory });
}

const names = (folder: string): Promise<string[]> => readdir(join(directory, folder));

async function expectToGoOn(): Promise<void> {
  recorder.available["numbers"] = epochCount + 2;
  expect(await run()).toMatchObject({ state: "succeeded", epochs: 2 });
  expect(recorder.rows("a")).toEqual(Array.from({ length: epochCount + 2 }, (_, n) => n));
  expect(recorder.of("numbers.open")).toEqual([String(epochCount)]);
}

test("old records move into packs, and the next run goes on after all of them", async () => {
  expect(await names("packed")).toEqual(packs);
  for (const folder of folders) expect(await names(folder)).toHaveLength(epochCount - 2 * packedEpochs);
  await expectToGoOn();
});

test("a report is the same as if nothing were packed, but for what was staged", async () => {
  expect(await inspectCheckpoint(directory)).toMatchObject({
    newest: { epoch: epochCount - 1 },
    offsets: { numbers: epochCount },
    outputs: { a: { rows: epochCount, files: Array.from({ length: epochCount }, (_, epoch) => `a-${epoch}`) } },
    records: 1 + 3 * epochCount - 2 * packedEpochs,
    findings: [],
  });
  expect(await repairCheckpoint(directory, { apply: true })).toEqual({ actions: [], beyondRepair: [] });
});

test("records that a killed run has packed and not removed are no trouble", async () => {
  for (const folder of folders) {
    const [oldest] = await names(folder);
    const left = oldest!.replace("200", "199");
    await cp(join(directory, folder, oldest!), join(directory, folder, left));
  }
  expect((await inspectCheckpoint(directory)).findings).toEqual([]);
  expect((await repairCheckpoint(directory, { apply: false })).actions).toEqual([]);
  await expectToGoOn();
  expect(await names("offsets")).not.toContain("0000000199.json");
});

/** Puts another record in the place of a line, as if it had been written there. */
async function replaceLine(pack: string, index: number): Promise<void> {
  const lines = (await readFile(pack, "utf8")).split(/(?<=\n)/);
  const { of, record } = decodeWhole<object>(lines[index]!);
  lines[index] = encodeRecord({ ...record, other: true }, of);
  await writeFile(pack, lines.join(""));
}

test.each<[string, (pack: string) => Promise<void>]>([
  ["cut off", tear],
  ["gone", (pack) => rm(pack)],
  ["another one", (pack) => cp(join(pack, "../..", "packed", packs[1]!), pack)],
  ["with another intent", (pack) => replaceLine(pack, 50)],
  ["with another commit", (pack) => replaceLine(pack, 51)],
  ["under another name", (pack) => rename(pack, pack.replace("0099", "0098"))],
])("a pack that is %s is told, and no run begins", async (_, damage) => {
  await damage(join(directory, "packed", packs[0]!));
  const { error } = await run();
  expect(error).toMatchObject({ code: "checkpoint-corrupt", message: expect.stringContaining("packed") });
  const { findings } = await inspectCheckpoint(directory);
  expect(findings[0]).toMatchObject({ severity: "error", path: expect.stringContaining("packed") });
  const repair = await repairCheckpoint(directory, { apply: true });
  expect(repair.beyondRepair[0]).toMatchObject({ path: expect.stringContaining("packed") });
  expect(recorder.of("numbers.open")).toEqual([]);
});

test("what an old epoch read is found in its pack", async () => {
  const pipeline = { name: "p", specHash: "", engineVersion: "" };
  const checkpoint = await Checkpoint.open(directory, pipeline);
  await checkpoint.recover();
  for (const epoch of [0, 99, 100, 199, 200, epochCount - 1]) {
    expect(await checkpoint.intentOf(epoch), `epoch ${epoch}`).toMatchObject({ epoch });
  }
  expect(await checkpoint.intentOf(epochCount)).toBeNull();
  await checkpoint.close();
});
