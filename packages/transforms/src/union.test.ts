import { column, Schema, type TransformDefinition } from "@sferic/operator";
import { describeTransform, planContext, uniform } from "@sferic/testkit";
import { Float32, Float64, Int16, Int64, Table, tableFromArrays, vectorFromArray } from "apache-arrow";
import { describe, expect, it } from "vitest";
import { arrowTable, cellsOf, randomTable, sqlite } from "./testing/sqlite.ts";
import { union } from "./union.ts";

describeTransform({ definition: union as TransformDefinition });

describe("gives the rows that SQLite gives, one input after the other", () => {
  it.each([
    [0, 5],
    [5, 0],
    [40, 60],
  ])("%i and %i rows", async (a, b) => {
    const random = uniform(a);
    const tables = {
      a: randomTable({ x: "int", y: "text" }, a, random),
      b: randomTable({ y: "text", x: "int" }, b, random),
    };
    const { main } = await union.run({ a: arrowTable(tables.a), b: arrowTable(tables.b) }, {});
    expect(cellsOf(main)).toEqual(sqlite(tables, "SELECT x, y FROM a UNION ALL SELECT x, y FROM b"));
  });
});

it("makes a missing column null where that is chosen", async () => {
  const inputs = { a: tableFromArrays({ x: Int32Array.of(1) }), b: tableFromArrays({ y: ["t"] }) };
  const { main } = await union.run(inputs, { missing: "null" });
  expect(main.schema.names).toEqual(["x", "y"]);
  expect(cellsOf(main)).toEqual([
    [1, null],
    [null, "t"],
  ]);
});

it("takes the wider type, and every value stays what it is", async () => {
  const a = new Table({ i: vectorFromArray([-5, 300], new Int16()), f: vectorFromArray([0.5, -0.25], new Float32()) });
  const b = new Table({ i: vectorFromArray([2n ** 40n], new Int64()), f: vectorFromArray([0.1], new Float64()) });
  const { main } = await union.run({ a, b }, {});
  expect(main.schema.fields.map((field) => String(field.type))).toEqual(["Int64", "Float64"]);
  expect(cellsOf(main)).toEqual([
    [-5, 0.5],
    [300, -0.25],
    [2 ** 40, 0.1],
  ]);
});

const outputOf = (a: Schema, b: Schema): unknown =>
  union.output({ a, b }, { missing: "refuse" }, planContext({ directory: "." }));
const one = (type: string, unit?: string): Schema =>
  new Schema([column("x", type, unit === undefined ? {} : { unit })]);

describe("refuses", () => {
  it.each([
    [one("int32"), one("utf8"), "column-type"],
    [one("uint64"), one("int64"), "column-type"],
    [one("timestamp[us]"), one("timestamp[us, UTC]"), "column-type"],
    [one("int32", "W"), one("int32", "kW"), "unit-mismatch"],
    [one("int32"), new Schema([column("y", "int32")]), "schema-mismatch"],
  ])("%j with %j: %s", (a, b, code) => {
    let thrown: unknown;
    try {
      outputOf(a, b);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({
      name: "ConfigError",
      problems: expect.arrayContaining([expect.objectContaining({ code })]),
    });
  });
});

it("keeps the unit, and is nullable where one input is", () => {
  const nullable = new Schema([column("x", "int16", { nullable: true })]);
  expect(outputOf(one("int32", "W"), nullable)).toEqual({
    main: new Schema([column("x", "int32", { nullable: true, unit: "W" })]),
  });
});
