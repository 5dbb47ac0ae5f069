import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { granuleSet } from "./granule-set.ts";
import { workDirectory } from "./places.ts";
import type { Size } from "./scenario.ts";

/** What the contenders of the granule scenarios are given. */
export interface GranulePipeline {
  /** Folder with the granules. */
  readonly granules: string;
  /** Spec that writes into `out`, without a checkpoint. */
  readonly spec: string;
  /** Spec that writes into `durableOut`, with a checkpoint. */
  readonly durableSpec: string;
  readonly out: string;
  readonly durableOut: string;
  /** Folder for a peer's files. */
  readonly peerOut: (peer: string) => string;
}

/** The columns that all contenders write. */
const columns = ["flash_id", "flash_time", "flash_lat", "flash_lon", "flash_energy", "flash_area", "quality_flag"];

/** Makes granules and specs: 180 granules in a full run, 20 in a quick one. */
export async function granulePipeline(size: Size): Promise<GranulePipeline> {
  const granules = await granuleSet(size === "full" ? 180 : 20);
  const folder = join(workDirectory, "pipelines");
  await mkdir(folder, { recursive: true });
  const out = join(workDirectory, "out/sferic");
  const durableOut = join(workDirectory, "out/sferic-durable");
  const spec = join(folder, `granules-${size}.json`);
  const durableSpec = join(folder, `granules-${size}-durable.json`);
  await writeFile(spec, JSON.stringify(specOf(granules, out), null, 2));
  const run = { trigger: "available-now", checkpoint: join(durableOut, ".checkpoint") };
  await writeFile(durableSpec, JSON.stringify({ ...specOf(granules, durableOut), run }, null, 2));
  return { granules, spec, durableSpec, out, durableOut, peerOut: (peer) => join(workDirectory, "out", peer) };
}

/** The flash table's seven columns, as Parquet and as CSV. */
function specOf(granules: string, out: string): object {
  return {
    name: "granules",
    sources: { flashes: { type: "files", url: `${granules}/*.nc`, format: { type: "glm", table: "flashes" } } },
    transforms: {
      table: { type: "select", from: "flashes", columns: Object.fromEntries(columns.map((name) => [name, name])) },
    },
    sinks: {
      parquet: {
        type: "files",
        from: "table",
        url: `${out}/parquet/`,
        format: { type: "parquet", compression: "zstd" },
      },
      csv: { type: "files", from: "table", url: `${out}/csv/`, format: { type: "csv" } },
    },
  };
}
