import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "../commands.ts";
import { sameNumber, timesFaster } from "../judge.ts";
import { ours, peer, workDirectory } from "../places.ts";
import type { Scenario } from "../scenario.ts";

const node = "Sferic";
const peers = ["Polars", "DuckDB", "pandas"] as const;
const folder = join(workDirectory, "photovoltaics");

/** Daily Parquet files, joined and written as one. */
export const photovoltaics365: Scenario = {
  name: "photovoltaics-365",
  summary:
    "A system-year of readings, 365 daily Parquet files, 15,768,000 rows: filter, join with the metrics of three sensors, one Parquet file on the disk.",
  repetitions: 9,
  warmUps: 2,
  prepare: async (size) => {
    const days = size === "full" ? 365 : 20;
    const data = join(folder, String(days));
    await mkdir(folder, { recursive: true });
    await runCommand(peer("photovoltaics", "make", data, String(days)));
    const out = join(workDirectory, "out/photovoltaics");
    const spec = join(folder, `${days}.json`);
    await writeFile(spec, JSON.stringify(specOf(data, out), null, 2));
    const file = (name: string): string => join(workDirectory, "out", `photovoltaics-${name.toLowerCase()}.parquet`);
    return {
      contenders: [
        { name: node, command: ours("pipeline", spec, out, "written") },
        ...peers.map((one) => ({
          name: one,
          command: peer("photovoltaics", one.toLowerCase(), data, file(one)),
          ...(one === "pandas" ? { repetitionsMax: 3 } : {}),
        })),
      ],
      checks: [sameNumber("rows", [node, ...peers])],
      requirements: [timesFaster(node, "Polars", 1 / 1.3), timesFaster(node, "DuckDB", 1 / 1.3)],
    };
  },
};

function specOf(data: string, out: string): object {
  const parquet = { type: "parquet" };
  const facts = ["measured_on", "sensor_name", "raw_units", "value"];
  return {
    name: "photovoltaics",
    sources: {
      readings: { type: "files", url: `${data}/readings/**/*.parquet`, format: parquet },
      metrics: { type: "files", url: `${data}/metrics.parquet`, format: parquet, role: "reference" },
    },
    transforms: {
      valid: { type: "filter", from: "readings", where: "value IS NOT NULL" },
      sensors: {
        type: "filter",
        from: "metrics",
        where: "sensor_name IN ('dc_power', 'ac_power', 'poa_irradiance')",
      },
      joined: { type: "join", from: { left: "valid", right: "sensors" }, on: ["metric_id"] },
      facts: { type: "select", from: "joined", columns: Object.fromEntries(facts.map((name) => [name, name])) },
    },
    sinks: { lake: { type: "files", from: "facts", url: `${out}/`, format: { ...parquet, compression: "zstd" } } },
  };
}
