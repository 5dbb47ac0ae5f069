import { beforeEach, expect, test } from "vitest";
import type { RunEvent } from "./events.ts";
import { followPipeline } from "./follow.ts";
import { Recorder } from "./testing/recorder.ts";

let recorder: Recorder;

beforeEach(() => {
  recorder = new Recorder();
  recorder.available["numbers"] = 25;
});

const spec = {
  name: "p",
  sources: { numbers: { type: "numbers", rowsPerEpoch: 10 } },
  sinks: { a: { type: "keeper", from: "numbers" } },
  run: { trigger: "available-now" },
};

test("events come in order, from the first to the last, also to who listens late", async () => {
  const run = followPipeline(spec, { registry: recorder.registry });
  const { state } = await run.result;
  const events: RunEvent[] = await Array.fromAsync(run);
  expect(state).toBe("succeeded");
  expect(events[0]).toMatchObject({ type: "started", pipeline: "p" });
  expect(events.at(-1)).toMatchObject({ type: "finished", result: { epochs: 3 } });
  const committed = events.filter((event) => event.type === "point" && event.point === "committed");
  expect(committed.map((event) => event.type === "point" && event.epoch)).toEqual([0, 1, 2]);
});

test("who listens as it happens may stop at any event; the run goes on", async () => {
  const run = followPipeline(spec, { registry: recorder.registry });
  for await (const event of run) if (event.type === "point") break;
  expect(await run.result).toMatchObject({ state: "succeeded", epochs: 3 });
  expect(recorder.rows("a")).toHaveLength(25);
});

test("a signal stops the run, and the last event tells", async () => {
  const abort = new AbortController();
  const run = followPipeline(
    { ...spec, run: { trigger: { everyMs: 1 } } },
    { registry: recorder.registry, signal: abort.signal },
  );
  let last: RunEvent | undefined;
  for await (const event of run) {
    last = event;
    if (event.type === "idle") abort.abort();
  }
  expect(last).toMatchObject({ type: "finished", result: { state: "failed", error: { code: "aborted" } } });
});

test("a spec with mistakes rejects, in the iteration too", async () => {
  const run = followPipeline({ ...spec, sources: {} }, { registry: recorder.registry });
  await expect(Array.fromAsync(run)).rejects.toMatchObject({ code: "spec-invalid" });
  await expect(run.result).rejects.toMatchObject({ code: "spec-invalid" });
});
