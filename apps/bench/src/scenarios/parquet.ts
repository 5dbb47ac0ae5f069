import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "../commands.ts";
import { lastNumber, sameNumber, timesFaster } from "../judge.ts";
import { kernel, ours, peer, wholeProcess, workDirectory } from "../places.ts";
import type { Requirement, Scenario } from "../scenario.ts";

const node = "Sferic";
const inRust = "kernel-formats, a new process each time";
const peers = ["Polars", "DuckDB", "pyarrow"] as const;

/** A table in memory to a Parquet file on the disk. */
export function parquetScenario(name: string, codec: "zstd" | "snappy"): Scenario {
  return {
    name,
    summary: `Arrow → Parquet, 5,000,000 rows of six columns, ${codec === "zstd" ? "zstd level 3" : codec}, until the file is on the disk (fsync).`,
    repetitions: 9,
    warmUps: 1,
    prepare: async (size) => {
      const file = await table(size === "full" ? 5_000_000 : 500_000);
      return {
        contenders: [
          { name: node, command: ours("parquet", file, codec) },
          {
            name: inRust,
            command: wholeProcess("", kernel("kernel-formats", file, codec, "1")),
            interpret: (answer) => ({ ...answer, ...(JSON.parse(String(answer["output"])) as { seconds: number }) }),
          },
          ...peers.map((one) => ({ name: one, command: peer("parquet", one.toLowerCase(), file, codec) })),
        ],
        checks: [sameNumber("rows", [node, inRust, ...peers])],
        requirements: [timesFaster(node, "Polars", 1), smallFile],
      };
    },
  };
}

const smallFile: Requirement = {
  name: "bytes of Sferic's file against Polars'",
  bound: "at most",
  limit: 1.05,
  unit: "×",
  measured: (answers) => lastNumber(answers, node, "bytes") / lastNumber(answers, "Polars", "bytes"),
};

async function table(rows: number): Promise<string> {
  const folder = join(workDirectory, "tables");
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${rows}.parquet`);
  await runCommand(peer("parquet", "make", file, String(rows)));
  return file;
}
