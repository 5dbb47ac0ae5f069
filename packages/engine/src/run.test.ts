import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { defineSink, OperatorError } from "@sferic/operator";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { runPipeline } from "./run.ts";
import { declared, Recorder } from "./testing/recorder.ts";
import { scratchFolder } from "./testing/scratch.ts";

let temporary: string;

beforeEach(async () => {
  temporary = await scratchFolder();
  vi.stubEnv("TMPDIR", temporary);
});

afterEach(() => {
  vi.unstubAllEnvs();
});

const spec = {
  name: "p",
  sources: { numbers: { type: "numbers", rowsPerEpoch: 4 } },
  transforms: { picky: { type: "breaks", from: "numbers", at: 6 } },
  sinks: { a: { type: "keeper", from: "numbers" }, b: { type: "keeper", from: "picky" } },
  run: { trigger: "available-now" },
};

function recorderOf(count: number, ...more: never[]): Recorder {
  const recorder = new Recorder(more);
  recorder.available["numbers"] = count;
  return recorder;
}

test("a run without a checkpoint removes what it kept beside it", async () => {
  const { registry, ...recorder } = recorderOf(5);
  expect(await runPipeline(spec, { registry })).toMatchObject({ state: "succeeded", epochs: 2 });
  expect(recorder.staged.size).toBe(0);
  expect(await readdir(temporary)).toEqual([]);
});

test("also when it fails: nothing that was staged stays", async () => {
  const recorder = recorderOf(8);
  const result = await runPipeline(spec, { registry: recorder.registry });
  expect(result).toMatchObject({ state: "failed", epochs: 1, error: { code: "broke" }, rows: { written: 6 } });
  expect(recorder.of("a.discard")).toEqual(["0", "1"]);
  expect(recorder.staged.size).toBe(0);
  expect(await readdir(temporary)).toEqual([]);
});

test("with a checkpoint a failed run leaves what it staged to the next one", async () => {
  const recorder = recorderOf(4);
  const checkpoint = join(temporary, "check");
  const stop = (event: { type: string; point?: string }): void => {
    if (event.point === "prepared") throw new OperatorError({ code: "stop", message: "Stop." });
  };
  const failed = await runPipeline(spec, { registry: recorder.registry, checkpoint, onEvent: stop });
  expect([failed.state, recorder.staged.size]).toEqual(["failed", 2]);
  expect(await runPipeline(spec, { registry: recorder.registry, checkpoint })).toMatchObject({ state: "succeeded" });
  expect([recorder.staged.size, recorder.rows("a")]).toEqual([0, [0, 1, 2, 3]]);
});

test("what failed first is told, not what failed while closing", async () => {
  const stubborn = defineSink({
    ...declared,
    type: "stubborn",
    delivery: { guarantee: "exactly-once", why: "it keeps nothing" },
    config: z.strictObject({}),
    create: () => ({
      stage: async () => null,
      publish: async () => ({ files: [] }),
      close: async () => {
        throw new OperatorError({ code: "close-failed", message: "It does not close." });
      },
    }),
  });
  const sinks = { ...spec.sinks, c: { type: "stubborn", from: "numbers" } };
  const run = (count: number) =>
    runPipeline({ ...spec, sinks }, { registry: recorderOf(count, stubborn as never).registry });
  expect((await run(8)).error).toMatchObject({ code: "broke", operatorId: "picky" });
  expect((await run(5)).error).toMatchObject({ code: "close-failed" });
});

test("a spec with mistakes rejects with every issue", async () => {
  const { registry } = recorderOf(0);
  const wrong = { ...spec, transforms: { picky: { type: "breakz", from: "numberz" } } };
  const running = runPipeline(wrong, { registry });
  await expect(running).rejects.toMatchObject({ code: "spec-invalid" });
  const { details } = (await running.catch((thrown: unknown) => thrown)) as OperatorError;
  expect((details["issues"] as object[]).length).toBeGreaterThanOrEqual(2);
});

test("an abort with any reason is an aborted run", async () => {
  const { registry } = recorderOf(5);
  const result = await runPipeline(spec, { registry, signal: AbortSignal.abort("enough") });
  expect(result.error).toMatchObject({ code: "aborted", message: "The run was aborted." });
});
