import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ours, workDirectory } from "../places.ts";
import type { Scenario } from "../scenario.ts";

const node = "Sferic";
const mebibyte = 1024 * 1024;

/** More than memory holds. */
export const spill50m: Scenario = {
  name: "spill-50m",
  summary:
    "50,000,000 rows joined with 50,000,000 rows and grouped by 50,000,000 keys, where queries may hold 512 MiB: finishes by spilling.",
  repetitions: 1,
  warmUps: 0,
  prepare: async (size) => {
    const rows = size === "full" ? 50_000_000 : 1_000_000;
    const folder = join(workDirectory, "spill");
    const out = join(workDirectory, "out/spill");
    const spec = join(folder, `${rows}.json`);
    await mkdir(folder, { recursive: true });
    await writeFile(spec, JSON.stringify(specOf(rows, out), null, 2));
    return {
      contenders: [{ name: node, command: ours("pipeline", spec, out, "written") }],
      checks: [
        {
          name: "every key once",
          judge: (answers) => {
            const found = answers[node]!.at(-1)!["rows"];
            return { holds: found === rows, found: String(found) };
          },
        },
      ],
      requirements: [],
    };
  },
};

function specOf(rows: number, out: string): object {
  return {
    name: "spill",
    sources: {
      left: { type: "generate", rows, columns: { k: `(index * 7919) % ${rows}`, v: "random" } },
      right: { type: "generate", rows, seed: 1, columns: { k: "index", w: "random" }, role: "reference" },
    },
    transforms: {
      joined: { type: "join", from: { left: "left", right: "right" }, on: ["k"] },
      sums: { type: "aggregate", from: "joined", groupBy: ["k"], measures: { v: "sum(v)", w: "max(w)" } },
    },
    sinks: { lake: { type: "files", from: "sums", url: `${out}/`, format: { type: "parquet", compression: "none" } } },
    run: { memoryBytesMax: 512 * mebibyte },
  };
}
