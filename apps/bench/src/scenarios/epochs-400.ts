import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { epochPlan } from "../epoch-pipeline.ts";
import { workDirectory } from "../places.ts";
import type { Scenario } from "../scenario.ts";

/** Many small files, few to an epoch: what an epoch costs that has next to nothing to do. */
export const epochs400: Scenario = {
  name: "epochs-400",
  summary:
    "One epoch of 5 JSON files of 10 rows through a filter to Parquet under a checkpoint, every record and file flushed to the disk; the mean of 400 epochs over 2,000 files.",
  repetitions: 5,
  warmUps: 1,
  prepare: async (size) => {
    const epochs = size === "full" ? 400 : 20;
    const folder = join(workDirectory, `epochs-${epochs}`);
    await mkdir(join(folder, "in"), { recursive: true });
    for (let file = 0; file < epochs * 5; file++) {
      const rows = Array.from({ length: 10 }, (_, row) => JSON.stringify({ k: row % 7, v: file + row / 2 }));
      await writeFile(join(folder, "in", `${String(file).padStart(5, "0")}.json`), `${rows.join("\n")}\n`);
    }
    const out = join(workDirectory, `out/epochs-${epochs}`);
    return epochPlan(folder, out, specOf(folder, out), epochs);
  },
};

function specOf(folder: string, out: string): object {
  const format = { type: "json", schema: { k: "int32", v: "float64" } };
  return {
    name: "epochs",
    sources: { rows: { type: "files", url: `${folder}/in/*.json`, format, filesPerEpoch: 5 } },
    transforms: { kept: { type: "filter", from: "rows", where: "v > 1" } },
    sinks: { lake: { type: "files", from: "kept", url: `${out}/`, format: { type: "parquet" } } },
    run: { trigger: "available-now", checkpoint: `${out}/.checkpoint` },
  };
}
