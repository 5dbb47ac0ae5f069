/**
 * Sferic's side of whole pipelines, in process: `pipeline.ts SPEC OUT read|written`; the last says which rows are counted.
 * The modules of the operators are loaded by a repetition that is not counted.
 */
import { readFile, rm } from "node:fs/promises";
import { registry } from "@sferic/catalog";
import { runPipeline } from "@sferic/engine";
import { serve } from "./serve.ts";

const [file = "", out = "", counted = "read"] = process.argv.slice(2);
const spec = await readFile(file, "utf8");

await serve({
  versions: {},
  before: () => rm(out, { recursive: true, force: true }),
  work: () => runPipeline(spec, { registry, file }),
  values: ({ state, rows, seconds, error }) => {
    if (state !== "succeeded") throw new Error(error?.message ?? state);
    return { rows: counted === "written" ? rows.written : rows.read, phases: seconds };
  },
});
