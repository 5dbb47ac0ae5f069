/**
 * Sferic's side of keeping many groups, in process: `window-state.ts SPEC OUT EPOCHS`. The first EPOCHS epochs are the bulk; after
 * them come those that touch few groups.
 */
import { readFile, rm } from "node:fs/promises";
import { registry } from "@sferic/catalog";
import { type RunEvent, type RunResult, runPipeline } from "@sferic/engine";
import { median } from "../statistics.ts";
import { serve } from "./serve.ts";

const [file = "", out = "", bulkEpochs = ""] = process.argv.slice(2);
const spec = await readFile(file, "utf8");

interface Timed {
  readonly result: RunResult;
  readonly bulkSeconds: number;
  /** Of each epoch after the bulk, from the end of the one before to its own, every file synced. */
  readonly epochSeconds: readonly number[];
}

async function timed(): Promise<Timed> {
  const started = performance.now();
  const ends: number[] = [];
  const onEvent = (event: RunEvent): void => {
    if (event.type === "point" && event.point === "cleaned") ends.push((performance.now() - started) / 1000);
  };
  const result = await runPipeline(spec, { registry, file, onEvent });
  const few = ends.slice(Number(bulkEpochs) - 1);
  const epochSeconds = few.slice(1).map((end, index) => end - few[index]!);
  return { result, bulkSeconds: few[0]!, epochSeconds };
}

await serve({
  versions: {},
  before: () => rm(out, { recursive: true, force: true }),
  work: timed,
  values: ({ result: { state, operators, error }, bulkSeconds, epochSeconds }) => {
    if (state !== "succeeded") throw new Error(error?.message ?? state);
    return {
      bulkSeconds,
      epochMedianSeconds: median(epochSeconds),
      epochMaxSeconds: Math.max(...epochSeconds),
      groups: operators["sums"]!.state!.groups,
      stateBytes: operators["sums"]!.state!.bytes,
    };
  },
});
