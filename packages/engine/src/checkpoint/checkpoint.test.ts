import { cp, mkdir, readdir, rm, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import type { RunEvent } from "../events.ts";
import type { RunResult } from "../result.ts";
import { runPipeline } from "../run.ts";
import { Recorder } from "../testing/recorder.ts";
import { scratchFolder } from "../testing/scratch.ts";
import { ranThreeEpochs, tear, threeEpochs } from "../testing/three-epochs.ts";
import { Checkpoint } from "./checkpoint.ts";
import { decodeRecord, encodeRecord, TornRecord } from "./records.ts";

const record = { epoch: 3, timeMs: 12, seed: 5, sources: { a: { start: null, end: { position: 1, note: "}\n{" } } } };

test("a record survives its text", () => {
  expect(decodeRecord(encodeRecord(record))).toEqual(record);
  expect(decodeRecord(encodeRecord({}))).toEqual({});
});

test("a record that is cut off anywhere, or has one bit turned, is torn", () => {
  const text = encodeRecord(record);
  for (let length = 0; length < text.length; length++) {
    expect(() => decodeRecord(text.slice(0, length)), `length ${length}`).toThrow(TornRecord);
  }
  const bytes = Buffer.from(text);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const turned = Buffer.from(bytes);
    turned[bit >> 3]! ^= 1 << (bit & 7);
    expect(() => decodeRecord(turned.toString()), `bit ${bit}`).toThrow(TornRecord);
  }
  expect(() => decodeRecord(`${text}${text}`)).toThrow(TornRecord);
});

describe("a checkpoint of three epochs", () => {
  let recorder: Recorder;
  let directory: string;

  beforeEach(async () => {
    ({ recorder, directory } = await ranThreeEpochs());
  });

  function run(onEvent: (event: RunEvent) => void = () => {}): Promise<RunResult> {
    return runPipeline(threeEpochs, { registry: recorder.registry, checkpoint: directory, onEvent });
  }

  /** As it was when the record of this kind was the newest. */
  async function rewindTo(folder: string, epoch: number): Promise<void> {
    const order = ["offsets", "prepared", "commits"];
    const last = epoch * 3 + order.indexOf(folder);
    for (const [index, other] of order.entries()) {
      for (let later = 0; later < 3; later++)
        if (later * 3 + index > last) await rm(pathOf(other, later), { force: true });
    }
    const published = folder === "commits" ? epoch : epoch - 1;
    for (const key of recorder.visible.keys()) if (Number(key.split(" ")[1]) > published) recorder.visible.delete(key);
  }

  const pathOf = (folder: string, epoch: number): string => join(directory, folder, `000000000${epoch}.json`);

  const everyRecord = ["offsets", "prepared", "commits"].flatMap((folder) =>
    [0, 1, 2].map((epoch) => [folder, epoch] as const),
  );

  test.each(everyRecord)("%s/%i torn as the newest is set aside, and the run goes on", async (folder, epoch) => {
    await rewindTo(folder, epoch);
    await tear(pathOf(folder, epoch));
    const setAside: string[] = [];
    const result = await run((event) => void (event.type === "set-aside" && setAside.push(event.path)));
    expect(result).toMatchObject({ state: "succeeded" });
    expect(setAside).toEqual([pathOf(folder, epoch)]);
    expect(await readdir(join(directory, folder))).toContain(`000000000${epoch}.json.torn`);
    expect(recorder.rows("a")).toEqual(Array.from({ length: 30 }, (_, n) => n));
  });

  test.each(everyRecord.slice(0, -1))("%s/%i torn but not the newest stops the run", async (folder, epoch) => {
    await tear(pathOf(folder, epoch));
    recorder.available["numbers"] = 40;
    expect(await refusal()).toEqual(corrupt(pathOf(folder, epoch), /It is not the newest/));
  });

  test.each(everyRecord.filter(([folder, epoch]) => folder !== "commits" || epoch < 2))(
    "%s/%i missing stops the run",
    async (folder, epoch) => {
      await unlink(pathOf(folder, epoch));
      expect(await refusal()).toEqual(corrupt(pathOf(folder, epoch), /missing/));
    },
  );

  test("a copy of the newest record of another checkpoint is left alone", async () => {
    const [other, fresh] = [join(await scratchFolder(), "check"), new Recorder()];
    const runOther = (): Promise<RunResult> =>
      runPipeline(threeEpochs, { registry: fresh.registry, checkpoint: other });
    expect(await runOther()).toMatchObject({ state: "succeeded", epochs: 0 });
    await cp(pathOf("offsets", 0), join(other, "newest.json"));
    fresh.available["numbers"] = 30;
    expect(await runOther()).toMatchObject({ state: "succeeded", epochs: 3 });
    expect(fresh.rows("a")).toEqual(Array.from({ length: 30 }, (_, n) => n));
  });

  test("a torn prepared record does not hide behind a torn committed one", async () => {
    await tear(pathOf("commits", 2));
    await tear(pathOf("prepared", 2));
    expect(await refusal()).toEqual(corrupt(pathOf("prepared", 2), /It is not the newest/));
  });

  test.each([
    ["torn", /cut off/],
    ["missing", /the file is missing/],
  ])("pipeline.json %s stops the run", async (how, reason) => {
    const path = join(directory, "pipeline.json");
    await (how === "torn" ? tear(path) : unlink(path));
    expect(await refusal()).toEqual(corrupt(path, reason));
  });

  /** Why a run is refused, and what it did to the operators and their rows all the same. */
  async function refusal(): Promise<object> {
    recorder.calls.length = 0;
    const rows = recorder.rows("a");
    const { state, error } = await run();
    const calls = recorder.calls.filter((call) => !call.includes("close"));
    return {
      state,
      code: error!.code,
      details: error!.details,
      message: error!.message,
      calls,
      same: String(rows) === String(recorder.rows("a")),
    };
  }

  /** The refusal that names the file, the reason and the repair, before any operator is opened. */
  function corrupt(path: string, reason: RegExp): object {
    const message = expect.stringMatching(new RegExp(`${RegExp.escape(path)}.*${reason.source}.*Restore the file`));
    return { state: "failed", code: "checkpoint-corrupt", details: { path }, message, calls: [], same: true };
  }
});

test("leftovers of interrupted writes are no records", async () => {
  const directory = join(await scratchFolder(), "check");
  await mkdir(join(directory, "offsets"), { recursive: true });
  await writeFile(join(directory, "offsets", "0000000000.json.tmp"), "{");
  const checkpoint = await Checkpoint.open(directory, { name: "p", specHash: "0", engineVersion: "0" });
  expect(await checkpoint.recover()).toMatchObject({ nextEpoch: 0, intent: null, setAside: [] });
  await checkpoint.write("intent", { ...record, epoch: 0 });
  expect((await checkpoint.recover()).intent).toEqual({ ...record, epoch: 0 });
  expect(await readdir(join(directory, "offsets"))).toEqual(["0000000000.json"]);
  await checkpoint.close();
});
