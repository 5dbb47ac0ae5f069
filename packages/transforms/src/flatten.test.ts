import { batches } from "@sferic/bindings/batch";
import type { TransformDefinition } from "@sferic/operator";
import { describeTransform } from "@sferic/testkit";
import {
  Field,
  Float64,
  Int32,
  List,
  Struct,
  Table,
  tableFromArrays,
  tableFromJSON,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import { describe, expect, it } from "vitest";
import { flatten } from "./flatten.ts";
import { cellsOf } from "./testing/sqlite.ts";

const nested = new Struct([
  new Field("quantity", new Int32(), true),
  new Field("price", new Struct([new Field("net", new Float64(), true), new Field("a: b", new Utf8(), true)]), true),
]);
const table = new Table({
  id: vectorFromArray([1, 2, 3, 4], new Int32()),
  sales: vectorFromArray(
    [
      { quantity: 1, price: { net: 0.5, "a: b": "x" } },
      null,
      { quantity: null, price: null },
      { quantity: 4, price: { net: null, "a: b": "y" } },
    ],
    nested,
  ),
  tags: vectorFromArray([["a"], [], null, ["b", "c"]], new List(new Field("item", new Utf8(), true))),
});

describeTransform({
  definition: flatten as TransformDefinition,
  trials: [
    { title: "three levels", config: { separator: "." }, rows: () => Promise.resolve(batches.fromArrow(table)) },
  ],
});

describe("names", () => {
  it.each([
    [{}, ["id", "sales_quantity", "sales_price_net", "sales_price_a: b", "tags"]],
    [{ names: "leaf" as const }, ["id", "quantity", "net", "a: b", "tags"]],
    [{ separator: "." }, ["id", "sales.quantity", "sales.price.net", "sales.price.a: b", "tags"]],
  ])("by %j", async (config, names) => {
    const { main } = await flatten.run(table, config);
    expect(main.schema.names).toEqual(names);
  });
});

it("gives null where any struct around is null, as JSON does when it is read by path", async () => {
  const { main } = await flatten.run(table, { names: "leaf" });
  expect(cellsOf(main).map((row) => row.slice(0, 4))).toEqual([
    [1, 1, 0.5, "x"],
    [2, null, null, null],
    [3, null, null, null],
    [4, 4, null, "y"],
  ]);
});

it("leaves rows without nested columns as they are", async () => {
  const flat = tableFromArrays({ a: Int32Array.of(1, 2) });
  expect((await flatten.run(flat, {})).main.toString()).toBe(flat.toString());
});

it.each([
  [{ columns: ["id"] }, { code: "column-type", pointer: "/columns/0" }],
  [{ columns: ["sale"] }, { code: "unknown-column", pointer: "/columns/0", hint: "sales" }],
])("refuses %j", async (config, problem) => {
  await expect(flatten.run(table, config)).rejects.toMatchObject({ name: "ConfigError", problems: [problem] });
});

it("refuses two columns of one name", async () => {
  const twice = tableFromJSON([{ a: { x: 1 }, b: { x: 2 } }]);
  const run = flatten.run(twice, { names: "leaf" });
  await expect(run).rejects.toMatchObject({ problems: [{ code: "duplicate-column", pointer: "/names" }] });
});
