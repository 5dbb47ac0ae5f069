import { cp, mkdir, readdir, rm, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import type { RunResult } from "../result.ts";
import { runPipeline } from "../run.ts";
import { Recorder } from "../testing/recorder.ts";
import { scratchFolder } from "../testing/scratch.ts";
import { ranThreeEpochs, tear, threeEpochs } from "../testing/three-epochs.ts";
import { inspectCheckpoint } from "./inspect.ts";
import { acquireLock } from "./lock.ts";
import { encodeRecord } from "./records.ts";

const recordFolders = ["offsets", "prepared", "commits"];
/** All records of three epochs in the order in which they were written. */
const everyRecord = [0, 1, 2].flatMap((epoch) => recordFolders.map((folder) => `${folder}/000000000${epoch}.json`));

describe("a checkpoint of three epochs", () => {
  let recorder: Recorder;
  let directory: string;

  beforeEach(async () => {
    ({ recorder, directory } = await ranThreeEpochs());
  });

  function run(): Promise<RunResult> {
    return runPipeline(threeEpochs, { registry: recorder.registry, checkpoint: directory });
  }

  async function keepFirst(count: number): Promise<void> {
    for (const later of everyRecord.slice(count)) await rm(join(directory, later));
  }

  test("says how far it got, and changes nothing", async () => {
    const before = await readdir(directory, { recursive: true });
    expect(await inspectCheckpoint(directory)).toMatchObject({
      identity: { pipeline: "p" },
      lock: null,
      newest: { epoch: 2, time: expect.stringMatching(/Z$/) },
      unfinished: null,
      offsets: { numbers: 30 },
      outputs: { a: { rows: 30 } },
      records: 10,
      setAside: [],
      findings: [],
    });
    expect(await readdir(directory, { recursive: true })).toEqual(before);
  });

  test.each([
    [7, "intent", {}],
    [8, "prepared", { a: { type: "keeper", rows: 10 } }],
  ])("an epoch that stopped after record %i is unfinished", async (count, record, staged) => {
    await keepFirst(count);
    expect(await inspectCheckpoint(directory)).toMatchObject({
      newest: { epoch: 1 },
      unfinished: { epoch: 2, record, staged, sources: { numbers: { start: 20, end: 30 } } },
      offsets: { numbers: 20 },
      outputs: { a: { rows: 20 } },
      findings: [],
    });
  });

  test.each(everyRecord.map((name, index) => [name, index + 1] as const))(
    "%s torn as the newest is a warning",
    async (name, count) => {
      await keepFirst(count);
      await tear(join(directory, name));
      const { findings } = await inspectCheckpoint(directory);
      expect(findings).toMatchObject([{ problem: "torn", severity: "warning", path: join(directory, name) }]);
    },
  );

  test.each(["pipeline.json", ...everyRecord].flatMap((name) => [["torn", name] as const, ["missing", name] as const]))(
    "%s %s: an error exactly where a run is refused, with the same file",
    async (how, name) => {
      await (how === "torn" ? tear(join(directory, name)) : unlink(join(directory, name)));
      const { findings } = await inspectCheckpoint(directory);
      const errors = findings.filter(({ severity }) => severity === "error");
      const { error } = await run();
      expect(errors.map(({ path }) => ({ path }))).toEqual(error === undefined ? [] : [error.details]);
      expect(errors.every(({ problem }) => problem === (how === "torn" ? "corrupt" : "gap"))).toBe(true);
    },
  );

  test("one finding for each stretch that is missing, however long", async () => {
    const far = join(directory, "offsets", "4000000000.json");
    await cp(join(directory, "offsets", "0000000002.json"), far);
    const { findings } = await inspectCheckpoint(directory);
    expect(findings.map(({ path, message }) => [path, message])).toEqual([
      [join(directory, "offsets/0000000003.json"), expect.stringContaining("epochs 3 to 3999999999 are missing")],
      [join(directory, "prepared/0000000003.json"), expect.stringContaining("epochs 3 to 3999999999 are missing")],
      [join(directory, "commits/0000000003.json"), expect.stringContaining("epochs 3 to 3999999999 are missing")],
      [far, expect.stringContaining("belongs to epoch 2")],
    ]);
  });

  test("what a run that lives has written since its commits were looked at is left out", async () => {
    for (const epoch of [1, 2]) await rm(join(directory, `commits/000000000${epoch}.json`));
    const { findings } = await inspectCheckpoint(directory);
    expect(findings).toMatchObject([{ problem: "gap", path: join(directory, "commits/0000000001.json") }]);
    const lock = await acquireLock(directory);
    expect(await inspectCheckpoint(directory)).toMatchObject({
      lock: { pid: process.pid },
      newest: { epoch: 0 },
      unfinished: { epoch: 1, record: "prepared" },
      findings: [],
    });
    await lock.release();
  });

  test("a record that a run has set aside is named", async () => {
    await tear(join(directory, "commits/0000000002.json"));
    await run();
    const { setAside, findings } = await inspectCheckpoint(directory);
    expect([setAside, findings]).toEqual([[join(directory, "commits/0000000002.json.torn")], []]);
  });
});

test("a run that writes while its checkpoint is read leaves no finding", async () => {
  const recorder = new Recorder();
  recorder.available["numbers"] = 300;
  const directory = join(await scratchFolder(), "check");
  let running = true;
  const result = runPipeline(threeEpochs, { registry: recorder.registry, checkpoint: directory }).finally(
    () => (running = false),
  );
  const seen = new Set<number>();
  while (running) {
    const report = await inspectCheckpoint(directory).catch(() => null);
    if (report?.lock == null) continue;
    expect(report).toMatchObject({ lock: { pid: process.pid }, findings: [] });
    if (report.newest !== null) seen.add(report.newest.epoch);
  }
  expect(await result).toMatchObject({ state: "succeeded", epochs: 30 });
  expect(seen.size).toBeGreaterThan(3);
});

test.each(["nothing", "an empty folder", "a file", "the folder of a spec", "a folder with commits"])(
  "%s is no checkpoint",
  async (what) => {
    const directory = join(await scratchFolder(), "check");
    if (what === "a file") await writeFile(directory, encodeRecord({}));
    if (what.includes("folder")) await mkdir(directory);
    if (what === "a folder with commits") await mkdir(join(directory, "commits"));
    if (what === "the folder of a spec") await writeFile(join(directory, "pipeline.json"), "{}");
    await expect(inspectCheckpoint(directory)).rejects.toMatchObject({
      code: "checkpoint-not-found",
      message: expect.stringContaining(directory),
    });
  },
);
