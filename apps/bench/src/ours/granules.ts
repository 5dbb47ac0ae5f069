/**
 * Sferic's side of granules to files, in process: `granules.ts SPEC OUT`. The modules of the operators are loaded by a
 * repetition that is not counted.
 */
import { readFile, rm } from "node:fs/promises";
import { registry } from "@sferic/catalog";
import { runPipeline } from "@sferic/engine";
import { serve } from "./serve.ts";

const [file = "", out = ""] = process.argv.slice(2);
const spec = await readFile(file, "utf8");

await serve({
  versions: {},
  before: () => rm(out, { recursive: true, force: true }),
  work: () => runPipeline(spec, { registry, file }),
  values: ({ state, rows, seconds, error }) => {
    if (state !== "succeeded") throw new Error(error?.message ?? state);
    return { rows: rows.read, phases: seconds };
  },
});
