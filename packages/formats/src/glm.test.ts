import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Batch, isBatch } from "@sferic/operator";
import {
  type Cells,
  cellsOf,
  describeFormat,
  emptyGranule,
  fileAt,
  granuleFolder,
  smallGranule,
  temporaryFolder,
} from "@sferic/testkit";
import { describe, expect, it } from "vitest";
import {
  type Contents,
  integersOf,
  readContents,
  times,
  unpacked,
  type Variable,
  type Values,
  writeCopy,
} from "../test/h5wasm-columns.ts";
import { glm } from "./glm.ts";

describeFormat({ definition: glm, types: [], sample: `${granuleFolder}${smallGranule}` });

type Table = "flashes" | "groups" | "events";

/** Column → variable, per table. */
const variables: Readonly<Record<Table, Readonly<Record<string, string>>>> = {
  flashes: {
    flash_id: "flash_id",
    flash_time: "flash_time_offset_of_first_event",
    flash_end_time: "flash_time_offset_of_last_event",
    flash_lat: "flash_lat",
    flash_lon: "flash_lon",
    flash_energy: "flash_energy",
    flash_area: "flash_area",
    quality_flag: "flash_quality_flag",
  },
  groups: {
    group_id: "group_id",
    group_time: "group_time_offset",
    group_lat: "group_lat",
    group_lon: "group_lon",
    group_energy: "group_energy",
    group_area: "group_area",
    parent_flash_id: "group_parent_flash_id",
    quality_flag: "group_quality_flag",
  },
  events: {
    event_id: "event_id",
    event_time: "event_time_offset",
    event_lat: "event_lat",
    event_lon: "event_lon",
    event_energy: "event_energy",
    parent_group_id: "event_parent_group_id",
  },
};

const tables = Object.keys(variables) as Table[];
const granules = readdirSync(granuleFolder).filter((name) => name.endsWith(".nc"));
const fixtures = fileURLToPath(new URL("../../../native/crates/kernel-netcdf/tests/fixtures/", import.meta.url));

/** The one granule whose time offsets are unsigned without an attribute that says so; its README tells why. */
const unsignedTimes = "s20182901026200";

/** The column as h5wasm's numbers and the attributes give it. */
function reference(column: string, variable: Variable, file: string): Values {
  if (column.endsWith("_id") || column === "quality_flag") return integersOf(variable);
  if (column.endsWith("_time")) return times(variable, { unsigned: file.includes(unsignedTimes) });
  if (column.endsWith("_area"))
    return unpacked(variable, {
      convert: variable.attributes["units"] === "km2" ? (area) => area * 1e6 : (area) => area,
    });
  return unpacked(variable, column.endsWith("_lon") ? { convert: wrapped } : {});
}

/** -180 ≤ longitude < 180. */
function wrapped(longitude: number): number {
  if (longitude < -180) return longitude + 360;
  return longitude >= 180 ? longitude - 360 : longitude;
}

async function decoded(path: string, table: Table, longitude: "wrapped" | "unwrapped" = "wrapped"): Promise<Cells> {
  const outputs = await Array.fromAsync(
    glm.create({ table, longitude }).decode!([await fileAt(path)], new AbortController().signal),
  );
  expect(outputs).toHaveLength(1);
  expect(outputs[0]).toSatisfy(isBatch);
  const cells = cellsOf(outputs[0] as Batch);
  (outputs[0] as Batch).close();
  return cells;
}

async function expectEqualToReference(path: string, contents: Contents): Promise<Record<Table, number>> {
  const counts: Partial<Record<Table, number>> = {};
  for (const table of tables) {
    const cells = await decoded(path, table);
    for (const [column, name] of Object.entries(variables[table])) {
      const expected = reference(column, contents.variables[name]!, path);
      expect(cells[column], `${table}.${column}`).toEqual(expected);
      counts[table] = expected.length;
    }
  }
  return counts as Record<Table, number>;
}

describe("every variable of every table equals what h5wasm reads", () => {
  it("finds all seven granules", () => {
    expect(granules).toHaveLength(7);
  });

  it.each(granules)("%s", async (name) => {
    const path = join(granuleFolder, name);
    const counts = await expectEqualToReference(path, await readContents(path));
    expect(Object.values(counts).every((count) => count > 0)).toBe(name !== emptyGranule);
  });

  it.each(["repacked.nc", "fills.nc", "earliest.nc"])("in another layout: %s", async (name) => {
    const path = join(fixtures, name);
    expect(await expectEqualToReference(path, await readContents(path))).toEqual({
      flashes: 40,
      groups: 40,
      events: 40,
    });
  });

  it("in a copy that h5wasm deflated", async () => {
    await using folder = await temporaryFolder();
    const original = await readContents(join(granuleFolder, smallGranule));
    await writeCopy(original, folder.file("copy.nc"));
    await expectEqualToReference(folder.file("copy.nc"), original);
  });
});

it("gives three empty tables for the granule without lightning", async () => {
  for (const table of tables) {
    const cells = await decoded(join(granuleFolder, emptyGranule), table);
    expect(Object.values(cells).map((values) => values.length)).toEqual(Object.keys(cells).map(() => 0));
  }
});

it("gives nulls where the stored number is the fill value, unsigned or not", async () => {
  await using folder = await temporaryFolder();
  const original = await readContents(join(granuleFolder, smallGranule));
  const energy = Array.from(original.variables["flash_energy"]!.stored, Number).with(3, -1);
  const latitude = Array.from(original.variables["flash_lat"]!.stored, Number).with(5, -999);
  const changes = {
    stored: { flash_energy: energy, flash_lat: latitude },
    attributes: { flash_lat: { _FillValue: -999 } },
  };
  await writeCopy(original, folder.file("filled.nc"), changes);
  const cells = await decoded(folder.file("filled.nc"), "flashes");
  const nullRows = (column: string): number[] => cells[column]!.flatMap((value, row) => (value === null ? [row] : []));
  expect([nullRows("flash_energy"), nullRows("flash_lat"), nullRows("flash_lon")]).toEqual([[3], [5], []]);
});

it("says the satellite, the product's start and the file in every row", async () => {
  const cells = await decoded(join(granuleFolder, smallGranule), "flashes");
  expect(new Set(cells["satellite"])).toEqual(new Set(["G17"]));
  expect(new Set(cells["product_start"])).toEqual(new Set([BigInt(Date.parse("2022-06-03T21:00:00Z")) * 1_000_000n]));
  expect(new Set(cells["file"])).toEqual(new Set([smallGranule]));
});

describe("a storm on the date line", () => {
  /** GOES-West stands at 137.2° W, so that its own turn of longitudes goes from 317.2° W to 42.8° E. */
  const stored = [179.5, 179.9, -179.9, -179.4];

  async function stormIn(path: string): Promise<void> {
    const original = await readContents(join(granuleFolder, smallGranule));
    const count = original.variables["flash_lon"]!.shape[0]!;
    const longitudes = Array.from({ length: count }, (_, row) => stored[row % stored.length]!);
    await writeCopy(original, path, { stored: { flash_lon: longitudes } });
  }

  it("stays whole when unwrapped", async () => {
    await using folder = await temporaryFolder();
    await stormIn(folder.file("storm.nc"));
    const { flash_lon: longitudes } = await decoded(folder.file("storm.nc"), "flashes", "unwrapped");
    const expected = [-180.5, -180.1, -179.9, -179.4].map((longitude) => expect.closeTo(longitude, 4));
    expect(longitudes!.slice(0, 4)).toEqual(expected);
    expect(Math.max(...(longitudes as number[])) - Math.min(...(longitudes as number[]))).toBeLessThan(1.2);
  });

  it("is on both ends of the map when wrapped", async () => {
    await using folder = await temporaryFolder();
    await stormIn(folder.file("storm.nc"));
    const { flash_lon: longitudes } = await decoded(folder.file("storm.nc"), "flashes", "wrapped");
    expect(longitudes!.slice(0, 4)).toEqual(stored.map(Math.fround));
  });
});
