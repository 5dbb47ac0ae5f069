import { column, Schema, type TransformDefinition } from "@sferic/operator";
import { batches } from "@sferic/bindings/batch";
import { describeTransform, planContext, typedRows, uniform } from "@sferic/testkit";
import { makeVector, Table, tableFromArrays } from "apache-arrow";
import { describe, expect, it } from "vitest";
import { join } from "./join.ts";
import { arrowTable, cellsOf, randomTable, sorted, sqlite, type SmallTable } from "./testing/sqlite.ts";

const left: SmallTable = {
  columns: { k: "int", a: "text" },
  rows: [
    [1, "x"],
    [1, "y"],
    [2, "z"],
    [null, "n"],
  ],
};

describeTransform({
  definition: join as TransformDefinition,
  trials: (["left", "right", "full", "anti"] as const).map((kind) => ({
    title: kind,
    config: { on: ["k"], kind, suffix: "_r" },
    rows: () => Promise.resolve(batches.fromArrow(arrowTable(left))),
  })),
});

/** What SQLite must be asked to get the columns that a join of `l` (k, j, a) and `r` (k, j, b) has. */
const queries = {
  inner: "SELECT l.k, l.j, a, b FROM l JOIN r ON l.k = r.k AND l.j = r.j",
  left: "SELECT l.k, l.j, a, b FROM l LEFT JOIN r ON l.k = r.k AND l.j = r.j",
  right: "SELECT r.k, r.j, a, b FROM l RIGHT JOIN r ON l.k = r.k AND l.j = r.j",
  full: "SELECT coalesce(l.k, r.k), coalesce(l.j, r.j), a, b FROM l FULL JOIN r ON l.k = r.k AND l.j = r.j",
  semi: "SELECT * FROM l WHERE EXISTS (SELECT 1 FROM r WHERE l.k = r.k AND l.j = r.j)",
  anti: "SELECT * FROM l WHERE NOT EXISTS (SELECT 1 FROM r WHERE l.k = r.k AND l.j = r.j)",
} as const;

describe("gives the rows that SQLite gives", () => {
  const kinds = Object.keys(queries) as (keyof typeof queries)[];
  const sizes = [
    [0, 0],
    [0, 7],
    [7, 0],
    [1, 1],
    [30, 20],
    [200, 300],
  ] as const;
  it.each(kinds.flatMap((kind) => sizes.map(([l, r]) => [kind, l, r] as const)))(
    "%s join of %i and %i rows",
    async (kind, l, r) => {
      const random = uniform(l * 1000 + r);
      const tables = {
        l: randomTable({ k: "int", j: "text", a: "real" }, l, random),
        r: randomTable({ k: "int", j: "text", b: "text" }, r, random),
      };
      const inputs = { left: arrowTable(tables.l), right: arrowTable(tables.r) };
      const { main } = await join.run(inputs, { on: ["k", "j"], kind });
      expect(sorted(cellsOf(main))).toEqual(sorted(sqlite(tables, queries[kind])));
    },
  );
});

const outputOf = (l: Schema, r: Schema, config: object): Schema => {
  const { main } = join.output({ left: l, right: r }, join.config.parse(config), planContext({ directory: "." })) as {
    main: Schema;
  };
  return main;
};
const columnsOf = (schema: Schema): string[] =>
  schema.columns.map(
    ({ name, type, nullable, unit }) => `${name} ${type}${nullable ? "?" : ""}${unit ? ` ${unit}` : ""}`,
  );

const l = new Schema([column("id", "int32", { unit: "m" }), column("v", "float32", { unit: "W" })]);
const r = new Schema([column("key", "int64"), column("v", "utf8"), column("day", "date32")]);

describe("the columns", () => {
  it.each([
    ["inner", ["id int32 m", "v float32 W", "v_r utf8", "day date32"]],
    ["left", ["id int32 m", "v float32 W", "v_r utf8?", "day date32?"]],
    ["right", ["id int64 m", "v float32? W", "v_r utf8", "day date32"]],
    ["full", ["id int64 m", "v float32? W", "v_r utf8?", "day date32?"]],
    ["semi", ["id int32 m", "v float32 W"]],
    ["anti", ["id int32 m", "v float32 W"]],
  ])("of a join of kind %s", (kind, expected) => {
    expect(columnsOf(outputOf(l, r, { on: { id: "key" }, kind, suffix: "_r" }))).toEqual(expected);
  });

  it("keep zones, nanoseconds and decimals", async () => {
    for (const type of ["timestamp[ns, UTC]", "decimal128(18, 4)", "struct<a: int32, b: utf8>", "binary"]) {
      const rows = typedRows(type);
      const table = rows.toArrow();
      rows.close();
      const { main } = await join.run({ left: table, right: table }, { on: ["row"], suffix: "_r" });
      expect(main.schema.fields.map((field) => String(field.type))).toEqual([
        ...table.schema.fields.map((field) => String(field.type)),
        String(table.schema.fields[1]!.type),
      ]);
      expect(
        main
          .toArray()
          .map((row) => String(row!["value"]))
          .toSorted(),
      ).toEqual(
        table
          .toArray()
          .map((row) => String(row!["value"]))
          .toSorted(),
      );
    }
  });
});

describe("refuses", () => {
  it.each([
    [
      { on: ["id"], suffix: "_r" },
      [{ code: "unknown-column", pointer: "/on/0", message: expect.stringContaining("right input") }],
    ],
    [{ on: { idd: "key" }, suffix: "_r" }, [{ code: "unknown-column", pointer: "/on/idd", hint: "id" }]],
    [{ on: { id: "v" }, suffix: "_r" }, [{ code: "column-type", pointer: "/on/id" }]],
    [{ on: { id: "key" } }, [{ code: "duplicate-column", message: expect.stringContaining('"v"') }]],
  ])("%j", (config, problems) => {
    let thrown: unknown;
    try {
      outputOf(l, r, config);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ name: "ConfigError", problems });
  });

  it("keys in different units", () => {
    const inKm = new Schema([column("id", "int32", { unit: "km" })]);
    expect(() => outputOf(l, inKm, { on: ["id"] })).toThrow(/in m in the left input and "id" in km/);
  });
});

it("joins on NaN, infinities and zero of either sign as DuckDB and PostgreSQL do", async () => {
  const values = [Number.NaN, Number.POSITIVE_INFINITY, 0, -0, null];
  const table = tableFromArrays({ k: values, row: Int32Array.of(0, 1, 2, 3, 4) });
  const { main } = await join.run({ left: table, right: table }, { on: ["k"], suffix: "_r" });
  const pairs = main.toArray().map((row) => `${row!["row"]} ${row!["row_r"]}`);
  expect(pairs.toSorted()).toEqual(["0 0", "1 1", "2 2", "2 3", "3 2", "3 3"]);
});

it("joins with more rows than are looked up in, and loses none of them", async () => {
  const n = 1_100_000;
  const table = new Table({ k: makeVector(Int32Array.from({ length: n }, (_, row) => row)) });
  const few = new Table({ k: makeVector(Int32Array.of(-1, 0, 65_536, n - 1)) });
  const { main } = await join.run({ left: few, right: table }, { on: ["k"] });
  expect(
    cellsOf(main)
      .flat()
      .map(Number)
      .toSorted((a, b) => a - b),
  ).toEqual([0, 65_536, n - 1]);
});

it("joins more rows than one thread takes", async () => {
  const n = 300_000;
  const many = new Table({
    k: makeVector(Int32Array.from({ length: n }, (_, row) => row % 1000)),
    v: makeVector(new Float64Array(n)),
  });
  const few = new Table({ k: makeVector(Int32Array.from({ length: 500 }, (_, row) => row * 2)) });
  const { main } = await join.run({ left: many, right: few }, { on: ["k"] });
  expect(main.numRows).toBe(n / 2);
});
