/**
 * Sferic's side of runs of many epochs, in process: `epochs.ts SPEC OUT`. Beside the rows it gives the median seconds of the first
 * and of the last hundred epochs, which are those without the first and the last one of the run.
 */
import { readFile, rm } from "node:fs/promises";
import { registry } from "@sferic/catalog";
import { type RunResult, runPipeline } from "@sferic/engine";
import { median } from "../statistics.ts";
import { serve } from "./serve.ts";

const [file = "", out = ""] = process.argv.slice(2);
const spec = await readFile(file, "utf8");
const compared = 100;

interface Run {
  readonly result: RunResult;
  /** When each epoch was cleaned up, in milliseconds. */
  readonly ends: readonly number[];
}

await serve<Run>({
  versions: {},
  before: () => rm(out, { recursive: true, force: true }),
  work: async () => {
    const ends: number[] = [];
    const result = await runPipeline(spec, {
      registry,
      file,
      onEvent: (event) => {
        if (event.type === "point" && event.point === "cleaned") ends.push(performance.now());
      },
    });
    return { result, ends };
  },
  values: ({ result: { state, rows, epochs, error }, ends }) => {
    if (state !== "succeeded") throw new Error(error?.message ?? state);
    const seconds = ends.slice(1).map((end, index) => (end - ends[index]!) / 1000);
    const [first, last] = [seconds.slice(0, compared), seconds.slice(-compared)].map(median);
    return { rows: rows.written, epochs, first, last };
  },
});
