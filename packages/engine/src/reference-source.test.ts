import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
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
  recorder.available["table"] = 3;
  checkpoint = join(await scratchFolder(), "check");
});

const spec = {
  name: "p",
  sources: { numbers: { type: "numbers", rowsPerEpoch: 10 }, table: { type: "numbers", role: "reference" } },
  sinks: { facts: { type: "keeper", from: "numbers" }, looked: { type: "keeper", from: "table" } },
  run: { trigger: "available-now" },
};

function run(options: RunOptions = {}): Promise<RunResult> {
  return runPipeline(spec, { registry: recorder.registry, checkpoint, ...options });
}

/** The rows that the epoch got of the reference. */
const looked = (epoch: number): readonly number[] | undefined => recorder.visible.get(`looked ${epoch}`);

describe("a source that is a reference", () => {
  test("is read whole in every epoch, as it is then", async () => {
    const grow = (event: RunEvent): void => {
      if (event.type === "point" && event.point === "cleaned") recorder.available["table"]! += 1;
    };
    expect(await run({ onEvent: grow })).toMatchObject({ state: "succeeded", epochs: 3 });
    expect([looked(0), looked(1), looked(2)]).toEqual([
      [0, 1, 2],
      [0, 1, 2, 3],
      [0, 1, 2, 3, 4],
    ]);
    expect(recorder.rows("facts")).toHaveLength(25);
  });

  test("begins no epoch by itself", async () => {
    await run();
    recorder.available["table"] = 100;
    expect(await run()).toMatchObject({ state: "succeeded", epochs: 0 });
  });

  test("may be empty", async () => {
    recorder.available["table"] = 0;
    expect(await run()).toMatchObject({ state: "succeeded", epochs: 3 });
    expect(recorder.rows("looked")).toEqual([]);
  });

  test.each<ProtocolPoint>(["intent", "staged", "prepared", "published", "committed"])(
    "after a crash at %s is read up to where the epoch had found it",
    async (point) => {
      const onEvent = (event: RunEvent): void => {
        if (event.type === "point" && event.epoch === 1 && event.point === point) throw new Error("crash");
      };
      expect(await run({ onEvent })).toMatchObject({ state: "failed" });
      recorder.available["table"] = 5;
      expect(await run()).toMatchObject({ state: "succeeded" });
      expect([looked(0), looked(1), looked(2)]).toEqual([
        [0, 1, 2],
        [0, 1, 2],
        [0, 1, 2, 3, 4],
      ]);
      expect(recorder.rows("facts")).toHaveLength(25);
    },
  );
});

test("a spec whose sources are all references is refused", async () => {
  const sources = { numbers: { type: "numbers", role: "reference" }, table: spec.sources.table };
  const running = runPipeline({ ...spec, sources }, { registry: recorder.registry, checkpoint });
  await expect(running).rejects.toMatchObject({ details: { issues: [{ code: "only-references" }] } });
});
