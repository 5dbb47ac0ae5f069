import { describeTransform, typedRows } from "@sferic/testkit";
import { type Table, tableFromArrays } from "apache-arrow";
import { describe, expect, it } from "vitest";
import { filter } from "./filter.ts";

describeTransform({ definition: filter });

const table = tableFromArrays({
  row: Int32Array.of(0, 1, 2, 3, 4),
  x: [1.5, Number.NaN, null, -2, Number.POSITIVE_INFINITY],
  'odd "name"': ["a", "b", null, "d", "e"],
});

/** Numbers of the rows that a condition keeps. */
async function kept(where: string, from: Table = table): Promise<number[]> {
  const { main } = await filter.run(from, { where });
  return Array.from(main.getChild("row")!, Number);
}

/** By the truth tables of SQL-92, section 8.12: a comparison with null is unknown, and unknown is not true. */
describe("a row is kept when the condition is true, not when it is false or unknown", () => {
  it.each([
    ["x > 1 OR x <= 1", [0, 1, 3, 4]],
    ["NOT (x > 1)", [3]],
    ["x = NULL", []],
    ["x IS NULL", [2]],
    ["x > 1 OR TRUE", [0, 1, 2, 3, 4]],
    ["x > 1 AND FALSE", []],
    ["NOT (x > 1 AND FALSE)", [0, 1, 2, 3, 4]],
    ["x IN (1.5, NULL)", [0]],
    ["x NOT IN (1.5, NULL)", []],
    ["coalesce(x, 7) = 7", [2]],
  ])("%s", async (where, rows) => {
    expect(await kept(where)).toEqual(rows);
  });
});

/** As PostgreSQL orders floats (its manual, 8.1.3): NaN equals itself and is greater than everything else. */
it.each([
  ["isnan(x)", [1]],
  ["x = x", [0, 1, 3, 4]],
  ["x > 1e308", [1, 4]],
  ["x < 'Infinity'::DOUBLE", [0, 3]],
])("a NaN is the greatest number: %s", async (where, rows) => {
  expect(await kept(where)).toEqual(rows);
});

it("takes names in quotes, with quotes in them", async () => {
  expect(await kept(`"odd ""name""" >= 'd'`)).toEqual([3, 4]);
});

it.each(["timestamp[s]", "timestamp[ms]", "timestamp[us]", "timestamp[us, UTC]", "timestamp[ns, UTC]"])(
  "compares %s with a time as text of SQL, before 1970 and after",
  async (type) => {
    const rows = typedRows(type);
    const times = rows.toArrow();
    rows.close();
    expect(await kept("value < TIMESTAMP '1970-01-01 00:00:00'", times)).toEqual([0]);
    expect(await kept("value >= TIMESTAMP '2018-07-02 04:33:00'", times)).toEqual([1, 3]);
  },
);

it("keeps columns, types and nulls of the rows that stay", async () => {
  const { main } = await filter.run(table, { where: "row IN (2, 3)" });
  expect(main.schema.fields.map(String)).toEqual(table.schema.fields.map(String));
  expect(main.toArray().map((row: { toJSON(): unknown }) => row.toJSON())).toEqual([
    { row: 2, x: null, 'odd "name"': null },
    { row: 3, x: -2, 'odd "name"': "d" },
  ]);
});

describe("says what is wrong in a condition, and where", () => {
  it.each([
    ["xx > 1", { code: "unknown-column", offset: 0, length: 2, hint: "x" }],
    ["row > 1 AND xx > 1", { code: "unknown-column", offset: 12, length: 2, hint: "x" }],
    ["x >", { code: "invalid-expression", offset: 3 }],
    ["x > 'abc'", { code: "invalid-expression", offset: 4 }],
    ['"no such" > 1', { code: "unknown-column", offset: 0, length: 9 }],
    ["x + 1", { code: "expression-type", offset: 0, length: 5 }],
    ["TRUE; DROP TABLE t", { code: "invalid-expression" }],
    ["count(*) > 1", { code: "invalid-expression", offset: 0 }],
    ["random() < 0.5", { code: "invalid-expression", offset: 0 }],
    ["(SELECT TRUE)", { code: "invalid-expression" }],
  ])("%s", async (where, problem) => {
    await expect(filter.run(table, { where })).rejects.toMatchObject({
      name: "ConfigError",
      problems: [{ pointer: "/where", ...problem }],
    });
  });

  it("an empty condition is no configuration", async () => {
    await expect(filter.run(table, { where: "" })).rejects.toMatchObject({ name: "ZodError" });
  });
});

it("names the row for which the condition cannot be computed", async () => {
  const run = filter.run(table, { where: `CAST("odd ""name""" AS INTEGER) > 0` });
  await expect(run).rejects.toMatchObject({ code: "expression-failed", details: { row: 0 } });
});
