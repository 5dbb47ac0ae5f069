import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Batch, isBatch, type Json } from "@sferic/operator";
import {
  type Cells,
  cellsOf,
  describeFormat,
  emptyGranule,
  fileAt,
  granuleFolder,
  smallGranule,
} from "@sferic/testkit";
import { describe, expect, it } from "vitest";
import {
  integersOf,
  isTime,
  readContents,
  times,
  unpacked,
  type Variable,
  type Values,
} from "../test/h5wasm-columns.ts";
import { netcdf } from "./netcdf.ts";

describeFormat({
  definition: netcdf,
  types: [],
  sample: `${granuleFolder}${smallGranule}`,
  sampleConfig: { dimension: "number_of_flashes" },
});

const dimensions = { number_of_flashes: "flash_", number_of_groups: "group_", number_of_events: "event_" };
const granules = readdirSync(granuleFolder).filter((name) => name.endsWith(".nc"));
const fixtures = fileURLToPath(new URL("../../../native/crates/kernel-netcdf/tests/fixtures/", import.meta.url));

/** The variable as h5wasm's numbers and the attributes give it: times, unpacked numbers, or what is stored. */
function reference(variable: Variable, file: string): Values {
  // The one granule whose time offsets are unsigned without an attribute that says so; its README tells why.
  if (isTime(variable)) return times(variable, { unsigned: file.includes("s20182901026200") });
  const isPacked = "scale_factor" in variable.attributes || "add_offset" in variable.attributes;
  return isPacked ? unpacked(variable) : integersOf(variable);
}

async function decoded(path: string, config: Readonly<Record<string, Json>>): Promise<{ cells: Cells; batch: Batch }> {
  const format = netcdf.create(netcdf.config.parse(config));
  const [batch] = await Array.fromAsync(format.decode!([await fileAt(path)], new AbortController().signal));
  expect(batch).toSatisfy(isBatch);
  return { cells: cellsOf(batch as Batch), batch: batch as Batch };
}

describe("every variable along a dimension equals what h5wasm reads", () => {
  it.each(granules)("%s", async (name) => {
    const path = join(granuleFolder, name);
    const { variables } = await readContents(path);
    for (const [dimension, prefix] of Object.entries(dimensions)) {
      const along = Object.values(variables).filter((one) => one.name.startsWith(prefix) && one.shape.length === 1);
      const { cells, batch } = await decoded(path, { dimension });
      expect(Object.keys(cells).toSorted()).toEqual(along.map((one) => one.name).toSorted());
      for (const variable of along) expect(cells[variable.name], variable.name).toEqual(reference(variable, name));
      expect(batch.rowCount === 0).toBe(name === emptyGranule);
      batch.close();
    }
  });
});

it("decodes types, units and calendars as netCDF4 and cftime recorded them", async () => {
  const lines = readFileSync(join(fixtures, "cf.tsv"), "utf8").trimEnd().split("\n");
  const { cells, batch } = await decoded(join(fixtures, "cf.nc"), { dimension: "time" });
  for (const line of lines) {
    const [name, ...values] = line.split("\t");
    const isFloat = batch.schema.column(name!)!.type.startsWith("float");
    cells[name!]!.forEach((value, row) => {
      // netCDF4 unpacks in float32, which holds seven digits.
      if (isFloat && value !== null) expect(value, name).toBeCloseTo(Number(values[row]), 5);
      else expect(String(value), name).toBe(values[row]);
    });
  }
  expect(Object.keys(cells)).toHaveLength(lines.length);
  batch.close();
});

it("repeats scalar variables and global attributes in every row", async () => {
  const { cells, batch } = await decoded(join(fixtures, "cf.nc"), {
    dimension: "time",
    variables: ["count"],
    constants: ["station", "title"],
  });
  expect(cells).toEqual({ count: [0, 1, 255, 127, 128], station: Array(5).fill(42), title: Array(5).fill("Buoys") });
  batch.close();
});

it("keeps units with the columns", async () => {
  const { batch } = await decoded(join(granuleFolder, smallGranule), { dimension: "number_of_flashes" });
  const units = Object.fromEntries(batch.schema.columns.map(({ name, unit }) => [name, unit]));
  expect(units).toMatchObject({ flash_lat: "degrees_north", flash_energy: "J", flash_area: "m2" });
  batch.close();
});

it("says which dimensions there are when none was chosen and several could be meant", async () => {
  const file = await fileAt(join(granuleFolder, smallGranule));
  const probing = netcdf.create(netcdf.config.parse({ dimension: "number_of_flashs" })).probe!(file);
  await expect(probing).rejects.toMatchObject({ message: expect.stringContaining("number_of_flashes") as string });
});
