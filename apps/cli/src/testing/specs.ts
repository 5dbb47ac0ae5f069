import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Folder with the granules of the repository. */
export const granules = fileURLToPath(new URL("../../../cases/data/glm", import.meta.url));

/** A pipeline that takes flashes of one granule at a time and writes those with much energy as CSV. */
export const flashesSpec = {
  name: "flashes",
  parameters: { energy: { type: "number", default: 1e-13 } },
  sources: {
    flashes: { type: "files", url: `${granules}/*.nc`, filesPerEpoch: 1, format: { type: "glm", table: "flashes" } },
  },
  transforms: { strong: { type: "filter", from: "flashes", where: "flash_energy > ${param:energy}" } },
  sinks: { csv: { type: "files", from: "strong", url: "./out/", format: { type: "csv" } } },
  run: { trigger: "available-now", checkpoint: "./check" },
};

/** Writes a spec into a new folder; resolves to its path. */
export async function specFile(spec: object | string): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), "sferic-cli-")), "pipeline.json");
  await writeFile(path, typeof spec === "string" ? spec : JSON.stringify(spec, null, 2));
  return path;
}
