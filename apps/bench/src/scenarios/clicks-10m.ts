import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "../commands.ts";
import { sameNumber, timesFaster } from "../judge.ts";
import { ours, peer, workDirectory } from "../places.ts";
import type { Scenario } from "../scenario.ts";

const node = "Sferic";
const peers = ["DuckDB", "Polars"] as const;
const sums = ["clicks", "impressions", "quantity", "total_price"];
const folder = join(workDirectory, "clicks");

/** Nested JSON, flattened and summed. */
export const clicks10m: Scenario = {
  name: "clicks-10m",
  summary: "10,000,000 click events, about 1.3 GB of JSON lines in 100 files: flatten, sums per 30 seconds.",
  repetitions: 5,
  warmUps: 1,
  prepare: async (size) => {
    const rows = size === "full" ? 10_000_000 : 500_000;
    const data = join(folder, String(rows));
    await mkdir(folder, { recursive: true });
    await runCommand(peer("clicks", "make", data, String(rows), "100000"));
    const out = join(workDirectory, "out/clicks");
    const spec = join(folder, `${rows}.json`);
    await writeFile(spec, JSON.stringify(specOf(data, out), null, 2));
    return {
      contenders: [
        { name: node, command: ours("pipeline", spec, out, "written") },
        ...peers.map((one) => ({
          name: one,
          command: peer("clicks", one.toLowerCase(), data),
          ...(one === "DuckDB" ? {} : { repetitionsMax: 1 }),
        })),
      ],
      checks: [sameNumber("rows", [node, ...peers])],
      requirements: [timesFaster(node, "DuckDB", 1 / 1.3)],
    };
  },
};

function specOf(data: string, out: string): object {
  const schema = {
    datetime: "timestamp",
    sales: { quantity: "int32", total_price: "float64" },
    analytics: { clicks: "int32", impressions: "int32" },
  };
  const windowStart = "time_bucket(INTERVAL '30 seconds', datetime)";
  return {
    name: "clicks",
    sources: { clicks: { type: "files", url: `${data}/*.json`, format: { type: "json", schema } } },
    transforms: {
      flat: { type: "flatten", from: "clicks", names: "leaf" },
      stamped: {
        type: "select",
        from: "flat",
        columns: { window_start: windowStart, ...Object.fromEntries(sums.map((name) => [name, name])) },
      },
      windows: {
        type: "aggregate",
        from: "stamped",
        groupBy: ["window_start"],
        measures: Object.fromEntries(sums.map((name) => [name, `sum(${name})`])),
      },
    },
    sinks: { lake: { type: "files", from: "windows", url: `${out}/`, format: { type: "parquet" } } },
  };
}
