import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { epochContender, epochSecondsMax } from "../epoch-pipeline.ts";
import { atMostSeconds } from "../judge.ts";
import { workDirectory } from "../places.ts";
import type { Scenario } from "../scenario.ts";

const node = "Sferic";

/** Small epochs with everything that makes them safe. */
export const epoch100: Scenario = {
  name: "epoch-100",
  summary:
    "One epoch of 100 rows through filter, aggregate and Parquet under a checkpoint, every record and file flushed to the disk; the mean of 50 epochs.",
  repetitions: 9,
  warmUps: 2,
  prepare: async () => {
    const folder = join(workDirectory, "epochs");
    await mkdir(join(folder, "in"), { recursive: true });
    const epochs = 50;
    for (let file = 0; file < epochs; file++) {
      const rows = Array.from({ length: 100 }, (_, row) => `${row % 7},${row * 0.5}`);
      await writeFile(join(folder, "in", `${String(file).padStart(3, "0")}.csv`), `k,v\n${rows.join("\n")}\n`);
    }
    const out = join(workDirectory, "out/epochs");
    return {
      contenders: [await epochContender(node, folder, out, specOf(folder, out), epochs)],
      checks: [],
      requirements: [atMostSeconds(node, epochSecondsMax)],
    };
  },
};

function specOf(folder: string, out: string): object {
  const schema = { k: "int32", v: "float64" };
  return {
    name: "epochs",
    sources: { rows: { type: "files", url: `${folder}/in/*.csv`, format: { type: "csv", schema }, filesPerEpoch: 1 } },
    transforms: {
      kept: { type: "filter", from: "rows", where: "v > 1" },
      sums: { type: "aggregate", from: "kept", groupBy: ["k"], measures: { rows: "count(*)", v: "sum(v)" } },
    },
    sinks: { lake: { type: "files", from: "sums", url: `${out}/`, format: { type: "parquet" } } },
    run: { trigger: "available-now", checkpoint: `${out}/.checkpoint` },
  };
}
