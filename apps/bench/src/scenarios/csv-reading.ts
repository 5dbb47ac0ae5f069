import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "../commands.ts";
import { medianSeconds, sameNumber } from "../judge.ts";
import { ours, peer, workDirectory } from "../places.ts";
import type { Scenario } from "../scenario.ts";

const node = "Sferic";
const oneCore = "Sferic, one core";
const peers = ["DuckDB", "Polars", "pyarrow"] as const;
const bytesPerSecond = 200e6;

/** One CSV file to rows in memory. */
export const csvReading: Scenario = {
  name: "csv-reading",
  summary: "One CSV file of 5,000,000 rows and five columns, about 270 MB, declared types, to rows in memory.",
  repetitions: 9,
  warmUps: 1,
  prepare: async (size) => {
    const rows = size === "full" ? 5_000_000 : 500_000;
    const folder = join(workDirectory, "csv");
    const file = join(folder, `${rows}.csv`);
    await mkdir(folder, { recursive: true });
    await runCommand(peer("csv_reading", "make", file, String(rows)));
    const { size: bytes } = await stat(file);
    return {
      contenders: [
        { name: node, command: ours("reading", "csv", file) },
        { name: oneCore, command: ["taskset", "-c", "0", ...ours("reading", "csv", file)] },
        ...peers.map((one) => ({ name: one, command: peer("csv_reading", one.toLowerCase(), file) })),
      ],
      checks: [sameNumber("rows", [node, oneCore, ...peers])],
      requirements: [
        {
          name: `${oneCore}, at 200 MB a second`,
          bound: "at most",
          limit: Number((bytes / bytesPerSecond).toFixed(3)),
          unit: "s",
          measured: (answers) => medianSeconds(answers, oneCore),
        },
      ],
    };
  },
};
