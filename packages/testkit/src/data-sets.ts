import { fileURLToPath } from "node:url";
import { batches } from "@sferic/bindings/batch";
import { tableFromJSON } from "apache-arrow";
import { decodeGlm, glmSchema } from "@sferic/bindings/netcdf";
import { type Batch, column, OperatorError, schema } from "@sferic/operator";
import { noRows } from "./rows.ts";
import { fileAt } from "./surroundings.ts";

/** Folder of the real GLM granules; its README says what each one is. */
export const granuleFolder: string = fileURLToPath(new URL("../../../apps/cases/data/glm/", import.meta.url));

/** Folder of tables that Delta Lake on Spark wrote, each with the rows that Spark reads; its README says what each one is. */
export const deltaFolder: string = fileURLToPath(new URL("../../../apps/cases/data/delta/", import.meta.url));

/** Three granules in a row, the minute from 2018-07-02T04:33:00Z: 853 flashes. */
export const minuteGranules: readonly string[] = [
  "OR_GLM-L2-LCFA_G16_s20181830433000_e20181830433200_c20181830433231.nc",
  "OR_GLM-L2-LCFA_G16_s20181830433200_e20181830433400_c20181830433424.nc",
  "OR_GLM-L2-LCFA_G16_s20181830433400_e20181830434000_c20181830434029.nc",
];

/** The granule of 2022-06-03T21:00:00Z, the smallest with lightning: 117 flashes. */
export const smallGranule = "OR_GLM-L2-LCFA_G17_s20221542100000_e20221542100200_c20221542100217.nc";

/** A granule of a minute without lightning. */
export const emptyGranule = "OR_GLM-L2-LCFA_G17_s20200160612000_e20200160612110_c20200160612335.nc";

const makers: Readonly<Record<string, () => Promise<Batch>>> = {
  "glm-minute": flashesOfAMinute,
  blobs: () => Promise.resolve(blobs()),
  "nested-clicks": () => Promise.resolve(nestedClicks()),
  empty: () => Promise.resolve(noRows(glmSchema("flashes"))),
};

/**
 * The rows that the `data` of an example names: `glm-minute` (853 flashes), `blobs` (300 points `x`, `y` around three
 * centres with `blob` 0 to 2), `nested-clicks` (4 events with sales and analytics), `empty` (flashes, no rows). The caller
 * closes the batch.
 */
export async function dataSet(name: string): Promise<Batch> {
  const make = makers[name];
  if (make !== undefined) return make();
  const names = Object.keys(makers).join(", ");
  throw new OperatorError({ code: "unknown-data", message: `There is no data set "${name}"; there are ${names}.` });
}

async function flashesOfAMinute(): Promise<Batch> {
  const granules = await Promise.all(minuteGranules.map((name) => fileAt(`${granuleFolder}${name}`)));
  const [decoded] = await Array.fromAsync(decodeGlm(granules, { table: "flashes", longitude: "wrapped" }));
  return decoded!.batches[0]!;
}

const centres = [
  [0, 0],
  [10, 0],
  [5, 9],
] as const;

function blobs(): Batch {
  const random = uniform(60);
  const rows = Array.from({ length: 300 }, (_, row) => {
    const blob = row % centres.length;
    const [x, y] = centres[blob]!;
    return { x: x + random() - random(), y: y + random() - random(), blob };
  });
  return batches.fromRows(schema([column("x", "float64"), column("y", "float64"), column("blob", "int32")]), rows);
}

function nestedClicks(): Batch {
  const events = Array.from({ length: 4 }, (_, row) => ({
    id: row,
    sales: { quantity: row, total_price: row * 2.5 },
    analytics: { clicks: row * 10, impressions: row * 100 },
  }));
  return batches.fromArrow(tableFromJSON(events));
}

/** Numbers from 0 up to 1 that are the same every time (mulberry32). */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
