import { join } from "node:path";
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { ProtocolPoint, RunEvent } from "./events.ts";
import type { RunResult } from "./result.ts";
import { runPipeline } from "./run.ts";
import type { RunOptions } from "./run-options.ts";
import { Recorder } from "./testing/recorder.ts";
import { scratchFolder } from "./testing/scratch.ts";

let recorder: Recorder;
let checkpoint: string;

beforeEach(async () => {
  recorder = new Recorder();
  recorder.available["numbers"] = 25;
  checkpoint = join(await scratchFolder(), "check");
});

const spec = {
  name: "p",
  sources: { numbers: { type: "numbers", rowsPerEpoch: 10 } },
  transforms: { doubled: { type: "double", from: "numbers" } },
  sinks: { a: { type: "keeper", from: "doubled" }, b: { type: "keeper", from: "numbers" } },
  run: { trigger: "available-now", seed: 7 },
};

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

function run(options: RunOptions = {}, of: object = spec): Promise<RunResult> {
  return runPipeline(of, { registry: recorder.registry, checkpoint, ...options });
}

/** Ends the run at a point of the protocol, as a crash would but for the lock. */
function crashAt(epoch: number, point: ProtocolPoint): RunOptions {
  return {
    onEvent: (event) => {
      if (event.type === "point" && event.epoch === epoch && event.point === point) throw new Error("crash");
    },
  };
}

function expectUndisturbed(count = 25): void {
  expect(recorder.rows("b")).toEqual(upTo(count));
  expect(recorder.rows("a")).toEqual(upTo(count).map((n) => 2 * n));
  expect([...recorder.staged.keys()]).toEqual([]);
}

describe("the protocol", () => {
  test("of one epoch: intent, read, stage, prepared, publish, committed, acknowledge, discard", async () => {
    const happenings = recorder.calls;
    const onEvent = (event: RunEvent): void => {
      if (event.type === "point") happenings.push(`${event.point} ${event.operatorId ?? event.epoch}`);
    };
    await run({ onEvent, trigger: "once" });
    const inOrder = happenings.filter((one) => !/^(a|b)\.stage|latestOffset|open|close/.test(one));
    expect(inOrder).toEqual([
      "planned 0",
      "intent 0",
      "numbers.read 0-25",
      "staged 0",
      "prepared 0",
      "a.publish 0",
      "published a",
      "b.publish 0",
      "published b",
      "all-published 0",
      "committed 0",
      "numbers.acknowledge 25",
      "acknowledged 0",
      "a.discard 0",
      "b.discard 0",
      "cleaned 0",
    ]);
    for (const sink of ["a", "b"]) {
      expect(happenings.indexOf(`${sink}.stage 0`)).toBeGreaterThan(happenings.indexOf("intent 0"));
      expect(happenings.indexOf(`${sink}.stage 0`)).toBeLessThan(happenings.indexOf("staged 0"));
    }
  });

  test("an undisturbed run", async () => {
    const result = await run();
    expect(result).toMatchObject({ state: "succeeded", epochs: 3, rows: { read: 25, written: 50, invalid: 0 } });
    expect(result.operators["a"]).toEqual({
      kind: "sink",
      rowsIn: 25,
      files: ["a-0", "a-1", "a-2"],
      delivery: "exactly-once",
    });
    expectUndisturbed();
  });

  test("a run with nothing new writes no record and calls no sink but to open and close it", async () => {
    await run();
    recorder.calls.length = 0;
    expect(await run()).toMatchObject({ state: "succeeded", epochs: 0 });
    expect(recorder.calls.filter((call) => /stage|publish|read/.test(call))).toEqual([]);
    expect(recorder.of("numbers.acknowledge")).toEqual(["25"]);
  });

  test.each([
    ["removed", { b: spec.sinks.b }, "no longer has"],
    ["renamed", { other: spec.sinks.a, b: spec.sinks.b }, "no longer has"],
    [
      "replaced by one of another type",
      { a: { ...spec.sinks.a, type: "other-keeper" }, b: spec.sinks.b },
      "other-keeper",
    ],
  ])("a sink %s while its epoch is prepared ends the run before anything is published", async (_, sinks, message) => {
    await run(crashAt(1, "prepared"));
    const visible = new Map(recorder.visible);
    const changed = await run({}, { ...spec, sinks });
    expect(changed).toMatchObject({
      state: "failed",
      error: { code: "checkpoint-mismatch", operatorId: "a", message: expect.stringContaining(message) },
    });
    expect(recorder.visible).toEqual(visible);
    await run();
    expectUndisturbed();
  });

  test("failing at any call of any operator, the next run ends as if nothing had happened", async () => {
    await run();
    const callCount = recorder.calls.length;
    expect(callCount).toBeGreaterThan(30);
    for (let failAt = 0; failAt < callCount; failAt++) {
      recorder = new Recorder();
      recorder.available["numbers"] = 25;
      recorder.failAt = failAt;
      checkpoint = join(await scratchFolder(), "check");
      const failed = await run();
      const failing = recorder.calls[failAt]!;
      expect(failed, failing).toMatchObject({ state: "failed", error: { code: "injected" } });
      const named = failing.includes("close") ? undefined : failing.split(".")[0];
      expect(failed.error!.operatorId, failing).toBe(named);
      expect(await run(), failing).toMatchObject({ state: "succeeded" });
      expectUndisturbed();
      expect(recorder.batches.open, failing).toBe(0);
    }
  });
});

describe("resuming", () => {
  test("from the intent: the same range, time and seed, and nothing of the first attempt stays", async () => {
    await run(crashAt(1, "staged"));
    const first = recorder.epochs.filter(({ id }) => id === 1);
    expect(recorder.staged.has("a 1")).toBe(true);
    recorder.available["numbers"] = 40;
    vi.setSystemTime(Date.now() + 60_000);
    recorder.calls.length = 0;
    recorder.epochs.length = 0;
    const events: RunEvent[] = [];
    await run({ onEvent: (event) => void events.push(event), maxEpochs: 1 });
    vi.useRealTimers();
    expect(recorder.epochs).toEqual(first);
    expect(recorder.of("numbers.read")).toEqual(["10-20"]);
    expect(recorder.calls.indexOf("a.discard 1")).toBeLessThan(recorder.calls.indexOf("a.stage 1"));
    expect(events).toContainEqual({ type: "recovering", epoch: 1, from: "intent" });
  });

  test.each<ProtocolPoint>(["prepared", "published", "all-published"])(
    "from %s: nothing is read again",
    async (point) => {
      await run(crashAt(1, point));
      recorder.calls.length = 0;
      const result = await run({ maxEpochs: 1 });
      expect(result).toMatchObject({ state: "succeeded", epochs: 1, rows: { read: 10 } });
      expect(recorder.of("numbers.open")).toEqual(["2"]);
      expect(recorder.of("numbers.read")).toEqual([]);
      expect(recorder.of("a.stage")).toEqual([]);
      expect(recorder.of("a.publish")).toEqual(["1"]);
      expect(recorder.of("b.publish")).toEqual(["1"]);
      await run();
      expectUndisturbed();
    },
  );

  test("from committed: the source is told again and leftovers are removed", async () => {
    await run(crashAt(1, "committed"));
    recorder.calls.length = 0;
    await run({ maxEpochs: 0 });
    expect(recorder.calls.filter((call) => !/open|close|latestOffset/.test(call))).toEqual([
      "numbers.acknowledge 20",
      "a.discard 1",
      "b.discard 1",
    ]);
    await run();
    expectUndisturbed();
  });

  test("the time of epochs never goes back with the clock; seeds differ", async () => {
    const now = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now });
    await run({ maxEpochs: 1 });
    vi.setSystemTime(now - 3_600_000);
    await run({ maxEpochs: 1 });
    vi.setSystemTime(now + 5);
    await run({ maxEpochs: 1 });
    vi.useRealTimers();
    const ofSink = recorder.epochs.filter((_, index) => index % 2 === 0);
    expect(ofSink.map(({ timeMs }) => timeMs - now)).toEqual([0, 0, 5]);
    expect(new Set(ofSink.map(({ seed }) => seed)).size).toBe(3);
  });

  test("a changed spec is told", async () => {
    await run();
    const events: RunEvent[] = [];
    await run({ onEvent: (event) => void events.push(event) }, { ...spec, run: { ...spec.run, seed: 8 } });
    expect(events).toContainEqual({ type: "spec-changed", checkpoint, changes: [] });
  });

  test("another pipeline's checkpoint is refused", async () => {
    await run();
    const result = await run({}, { ...spec, name: "q" });
    expect(result.error).toMatchObject({
      code: "checkpoint-mismatch",
      message: expect.stringContaining('"p", not to "q"'),
    });
  });
});

describe("triggers", () => {
  test("once: one epoch with everything, whatever the bounds", async () => {
    expect(await run({ trigger: "once" })).toMatchObject({ epochs: 1 });
    expect(recorder.of("numbers.read")).toEqual(["0-25"]);
  });

  test("available-now: bounded epochs up to what was there at the start", async () => {
    const two = { ...spec, sources: { ...spec.sources, late: { type: "numbers" } } };
    const sinks = { ...spec.sinks, c: { type: "keeper", from: "late" } };
    const onEvent = (event: RunEvent): void => {
      if (event.type !== "point" || event.point !== "intent" || event.epoch !== 0) return;
      recorder.available["numbers"] = 100;
      recorder.available["late"] = 3;
    };
    expect(await run({ onEvent }, { ...two, sinks })).toMatchObject({ epochs: 3 });
    expect(recorder.of("numbers.read")).toEqual(["0-10", "10-20", "20-25"]);
    expect(recorder.of("late.read")).toEqual([]);
    await run({ trigger: "once" }, { ...two, sinks });
    expectUndisturbed(100);
    expect(recorder.rows("c")).toEqual([0, 1, 2]);
  });

  test("maxEpochs, the resumed one counted", async () => {
    await run(crashAt(0, "prepared"));
    expect(await run({ maxEpochs: 2 })).toMatchObject({ state: "succeeded", epochs: 2 });
    expect(recorder.rows("b")).toEqual(upTo(20));
  });

  test("every so often: idle triggers write nothing, and a drain ends after the epoch in work", async () => {
    const drain = new AbortController();
    const points: string[] = [];
    let idle = 0;
    const onEvent = (event: RunEvent): void => {
      if (event.type === "point") points.push(event.point);
      if (event.type !== "idle") return;
      idle += 1;
      if (idle === 3) recorder.available["numbers"] = 35;
      if (recorder.visible.has("b 3")) drain.abort();
    };
    const result = await run({ trigger: { everyMs: 2 }, drain: drain.signal, onEvent });
    expect(result).toMatchObject({ state: "stopped", epochs: 4 });
    expect(points.filter((point) => point === "intent")).toHaveLength(4);
    expect(idle).toBeGreaterThanOrEqual(4);
    expectUndisturbed(35);
  });

  test("a drain in the middle of an epoch commits it", async () => {
    const drain = new AbortController();
    const onEvent = (event: RunEvent): void => {
      if (event.type === "point" && event.point === "staged") drain.abort();
    };
    expect(await run({ trigger: { everyMs: 60_000 }, drain: drain.signal, onEvent })).toMatchObject({ epochs: 1 });
    expect(recorder.rows("b")).toEqual(upTo(10));
  });

  test.each([
    ["between epochs", 0],
    ["in an epoch", 20],
  ])("an abort %s ends the run within a second, and another goes on", { retry: 2 }, async (_, slowMs) => {
    const sinks = { ...spec.sinks, b: { type: "keeper", from: "numbers", slowMs } };
    const started = performance.now();
    const result = await run({ trigger: { everyMs: 60_000 }, signal: AbortSignal.timeout(30) }, { ...spec, sinks });
    expect(result).toMatchObject({ state: "failed", error: { code: "aborted" } });
    expect(performance.now() - started).toBeLessThan(1000);
    expect(recorder.batches.open).toBe(0);
    await run();
    expectUndisturbed();
  });
});
