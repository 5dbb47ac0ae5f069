/**
 * Sferic's side of decoding granules, as a program of a user calls it: `glm.ts flashes|all one|many FOLDER ROUNDS`. `one`
 * hands one granule at a time to the core; `many` hands over all of them nine times in one call, about as many as the files
 * source does, which decodes on every core.
 */
import { globSync } from "node:fs";
import { basename, join } from "node:path";
import { decodeGlm, type GlmTable } from "@sferic/bindings/netcdf";
import type { Batch, FileContent } from "@sferic/operator";
import { serve } from "./serve.ts";

const [tables = "", calls = "", folder = "", rounds = ""] = process.argv.slice(2);
const wanted: readonly GlmTable[] = tables === "flashes" ? ["flashes"] : ["flashes", "groups", "events"];
const files = globSync(join(folder, "*.nc")).toSorted().map(contentOf);
const copies = calls === "one" ? 1 : 9;
const groups = calls === "one" ? files.map((file) => [file]) : [Array.from({ length: copies }, () => files).flat()];

function contentOf(path: string): FileContent {
  return { name: basename(path), path, byteLength: 0, bytes: () => Promise.reject(new Error("Read in the core.")) };
}

async function decodeAll(): Promise<Batch[]> {
  const batches: Batch[] = [];
  for (const group of groups) {
    for (const table of wanted) {
      for await (const decoded of decodeGlm(group, { table, longitude: "wrapped" })) {
        for (const { name, reason } of decoded.invalid) throw new Error(`${name}: ${reason}`);
        batches.push(...decoded.batches);
      }
    }
  }
  return batches;
}

async function work(): Promise<Batch[]> {
  let batches: Batch[] = [];
  for (let round = 0; round < Number(rounds); round++) {
    for (const batch of batches) batch.close();
    batches = await decodeAll();
  }
  return batches;
}

function values(batches: readonly Batch[]): object {
  const flashes = batches.filter(({ schema }) => schema.columns.some(({ name }) => name === "flash_lat"));
  const answer = {
    rows: batches.reduce((rows, { rowCount }) => rows + rowCount, 0) / copies,
    latitudes: total(flashes, "flash_lat"),
    longitudes: total(flashes, "flash_lon"),
    joules: total(flashes, "flash_energy"),
    secondsOfTime: total(flashes, "flash_time") / 1e9,
  };
  for (const batch of batches) batch.close();
  return answer;
}

/** Sum of a column over the granules, missing values left out. */
function total(batches: readonly Batch[], column: string): number {
  let sum = 0;
  for (const batch of batches) {
    const { values: all, validity } = batch.column(column);
    for (let row = 0; row < all.length; row++)
      if (validity === undefined || validity[row] === 1) sum += Number(all[row]);
  }
  return sum / copies;
}

await serve({ versions: {}, work, values, parts: Number(rounds) * copies * files.length });
