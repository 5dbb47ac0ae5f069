import { batches } from "@sferic/bindings/batch";
import { column, Schema, type TransformDefinition } from "@sferic/operator";
import { describeTransform, planContext, uniform } from "@sferic/testkit";
import { describe, expect, it } from "vitest";
import { arrowTable, cellsOf, randomTable, sorted, sqlite } from "./testing/sqlite.ts";
import { unpivot } from "./unpivot.ts";

const table = randomTable({ id: "int", a: "real", b: "real", c: "real", t: "text" }, 50, uniform(3));

describeTransform({
  definition: unpivot as TransformDefinition,
  trials: [
    {
      title: "with nulls",
      config: { columns: ["c", "a"], nulls: true },
      rows: () => Promise.resolve(batches.fromArrow(arrowTable(table))),
    },
  ],
});

describe("gives the rows that SQLite gives", () => {
  it.each([true, false])("nulls %s", async (nulls) => {
    const { main } = await unpivot.run(arrowTable(table), { columns: ["a", "b", "c"], nulls });
    const one = (name: string): string =>
      `SELECT id, t, '${name}', ${name} FROM x ${nulls ? "" : `WHERE ${name} IS NOT NULL`}`;
    expect(sorted(cellsOf(main))).toEqual(sorted(sqlite({ x: table }, ["a", "b", "c"].map(one).join(" UNION ALL "))));
  });
});

it("keeps the rows of a row together, in the order of the columns", async () => {
  const two = arrowTable({
    columns: { id: "int", a: "int", b: "int" },
    rows: [
      [1, 10, 20],
      [2, 30, 40],
    ],
  });
  const { main } = await unpivot.run(two, { columns: ["b", "a"], name: "which", value: "n" });
  expect(main.schema.names).toEqual(["id", "which", "n"]);
  expect(cellsOf(main)).toEqual([
    [1, "b", 20],
    [1, "a", 10],
    [2, "b", 40],
    [2, "a", 30],
  ]);
});

const watts = (unit: string) => column("x", "float64", { unit });
it("gives the value the unit that all columns share", () => {
  const output = (a: string, b: string) => {
    const schema = new Schema([
      { ...watts(a), name: "a" },
      { ...watts(b), name: "b" },
    ]);
    const { main } = unpivot.output(
      { main: schema },
      unpivot.config.parse({ columns: ["a", "b"] }),
      planContext({ directory: "." }),
    ) as { main: Schema };
    return main.column("value")!.unit;
  };
  expect(output("W", "W")).toBe("W");
  expect(output("W", "kW")).toBeUndefined();
});

it.each([
  [{ columns: ["a", "t"] }, { code: "column-type", pointer: "/columns/1" }],
  [
    { columns: ["a"], name: "id" },
    { code: "duplicate-column", pointer: "/name" },
  ],
  [
    { columns: ["a"], name: "x", value: "x" },
    { code: "duplicate-column", pointer: "/value" },
  ],
  [{ columns: ["aa"] }, { code: "unknown-column", pointer: "/columns/0", hint: "a" }],
])("refuses %j", async (config, problem) => {
  await expect(unpivot.run(arrowTable(table), config)).rejects.toMatchObject({ problems: [problem] });
});
