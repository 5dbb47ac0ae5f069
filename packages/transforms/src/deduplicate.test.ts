import { batches } from "@sferic/bindings/batch";
import { describeTransform, typedRows } from "@sferic/testkit";
import { type Table, tableFromArrays } from "apache-arrow";
import { describe, expect, it } from "vitest";
import { deduplicate } from "./deduplicate.ts";
import { recorded, recordedTable } from "./testing/groups.ts";

describeTransform({
  definition: deduplicate,
  trials: recorded.unique.map(({ keys }) => ({
    title: `by ${keys.join(", ")}`,
    config: { keys },
    rows: () => Promise.resolve(batches.fromArrow(recordedTable())),
  })),
});

/** Numbers of the rows that stay. */
async function kept(table: Table, keys: readonly string[], number = "row"): Promise<number[]> {
  const { main } = await deduplicate.run(table, { keys: [...keys] });
  return Array.from(main.getChild(number)!, Number);
}

describe("keeps the rows that SQLite finds to be the first", () => {
  it.each(recorded.unique)("by $keys", async ({ keys, rows }) => {
    expect(await kept(recordedTable(), keys)).toEqual(rows);
  });
});

it("takes NaN for equal to NaN, null to null, and zero without its sign", async () => {
  const x = [Number.NaN, null, -0, Number.NaN, 0, null, 1];
  expect(await kept(tableFromArrays({ x, row: Int32Array.of(0, 1, 2, 3, 4, 5, 6) }), ["x"])).toEqual([0, 1, 2, 6]);
});

it("keeps the order over more rows than a batch of the answer has", async () => {
  const rowCount = 200_000;
  const row = Int32Array.from({ length: rowCount }, (_, index) => index);
  const key = row.map((index) => (index * 7919) % 150_000);
  expect(await kept(tableFromArrays({ key, row }), ["key"])).toEqual(Array.from(row.subarray(0, 150_000)));
});

it("takes columns by any name", async () => {
  const table = tableFromArrays({ first: ["a", "a", "b"], row_number: Int32Array.of(5, 6, 7), 'a "b"': [1, 1, 2] });
  expect(await kept(table, ["first"], "row_number")).toEqual([5, 7]);
  expect(await kept(table, ["row_number"], "row_number")).toEqual([5, 6, 7]);
  expect(await kept(table, ['a "b"'], "row_number")).toEqual([5, 7]);
});

it.each(["timestamp[ns, UTC]", "decimal128(18, 4)", "dictionary<int32, utf8>", "struct<a: int32, b: utf8>", "binary"])(
  "lets rows with %s through as they are, and the texts of a dictionary",
  async (type) => {
    const rows = typedRows(type);
    const table = rows.toArrow();
    rows.close();
    const { main } = await deduplicate.run(table, { keys: ["row"] });
    const plain = table.schema.fields.map((field) => String(field).replace("Dictionary<Int32, Utf8>", "Utf8"));
    expect(main.schema.fields.map(String)).toEqual(plain);
    expect(main.toString()).toBe(table.toString());
    expect(await kept(table, ["value"])).toEqual(type.startsWith("dictionary") ? [0, 1, 2, 3] : [0, 1, 2, 3, 4]);
  },
);

it("names every key that is no column, with the nearest one", async () => {
  const run = deduplicate.run(recordedTable(), { keys: ["name", "kinds"] });
  await expect(run).rejects.toMatchObject({
    name: "ConfigError",
    problems: [{ code: "unknown-column", pointer: "/keys/1", hint: "kind" }],
  });
});

it("is told at least one key", async () => {
  await expect(deduplicate.run(recordedTable(), { keys: [] })).rejects.toMatchObject({ name: "ZodError" });
});
