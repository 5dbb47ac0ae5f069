import { batches } from "@sferic/bindings/batch";
import { rowsOf, type TransformDefinition } from "@sferic/operator";
import { describeTransform, typedRows } from "@sferic/testkit";
import { Table, tableFromArrays } from "apache-arrow";
import { describe, expect, it } from "vitest";
import { aggregate } from "./aggregate.ts";
import { recorded, recordedTable } from "./testing/groups.ts";

const trial = (title: string, config: { [field: string]: string[] | Record<string, string> }) => ({
  title,
  config,
  rows: () => Promise.resolve(batches.fromArrow(recordedTable())),
});

describeTransform({
  definition: aggregate as TransformDefinition,
  trials: [
    trial("every measure, of all rows", { measures: recorded.measures }),
    trial("every measure, in small groups", { groupBy: ["name", "kind"], measures: recorded.measures }),
    trial("order and rounding", {
      groupBy: ["kind"],
      measures: { sum: "sum(x / 3)", all: "list(x)", one: "first(n)" },
    }),
  ],
});

interface Asked {
  readonly window?: { readonly column: string; readonly [field: string]: string };
  readonly groupBy?: string[];
  readonly measures: Record<string, string>;
}

/** The rows of the answer as lists of cells. */
async function aggregated(table: Table, config: Asked): Promise<unknown[][]> {
  const { main } = await aggregate.run(table, config);
  const answer = batches.fromArrow(main);
  const cells = rowsOf(answer).map((row) => Object.values(row));
  answer.close();
  return cells;
}

describe("answers as SQLite does", () => {
  it.each(recorded.aggregated)("by $groupBy", async ({ groupBy, rows }) => {
    const answer = await aggregated(recordedTable(), { groupBy: [...groupBy], measures: recorded.measures });
    expect(answer).toHaveLength(rows.length);
    answer.forEach((cells, index) => {
      cells.forEach((cell, place) => {
        const expected = rows[index]![place];
        const close = typeof expected === "number" ? expect.closeTo(expected, 6) : expected;
        expect(typeof expected === "number" ? Number(cell) : cell, `row ${index}, column ${place}`).toEqual(close);
      });
    });
  });
});

const numbers = tableFromArrays({
  k: [Number.NaN, 0, null, Number.NaN, -0, null, Number.POSITIVE_INFINITY],
  n: Int32Array.of(0, 1, 2, 3, 4, 5, 6),
});

/** As PostgreSQL orders floats (its manual, 8.1.3): NaN equals itself and is greater than everything else. */
it("a NaN is one group after infinity, null is one group at the end, and zero has no sign", async () => {
  expect(await aggregated(numbers, { groupBy: ["k"], measures: { rows: "count(*)", last: "max(n)" } })).toEqual([
    [0, 2, 4],
    ["Infinity", 1, 6],
    ["NaN", 2, 3],
    [null, 2, 5],
  ]);
});

it("a measure may use the group's columns, and end with a comment", async () => {
  const measures = { double: "k * 2 -- twice", first: "first(n)" };
  expect((await aggregated(numbers, { groupBy: ["k"], measures })).slice(0, 2)).toEqual([
    [0, 0, 1],
    ["Infinity", "Infinity", 6],
  ]);
});

describe("without rows", () => {
  const none = numbers.slice(0, 0);

  it("there are no groups", async () => {
    expect(await aggregated(none, { groupBy: ["k"], measures: { rows: "count(*)" } })).toEqual([]);
  });

  it("there is one row when nothing is grouped", async () => {
    const measures = { rows: "CAST(count(*) AS INTEGER)", total: "sum(k)" };
    expect(await aggregated(none, { measures })).toEqual([[0, null]]);
  });
});

it("takes columns under any name, and a measure by the name of a column that is not grouped by", async () => {
  const table = tableFromArrays({ 'odd "k"': ["b", "a", "b"], row_number: Int32Array.of(1, 2, 3) });
  const config = { groupBy: ['odd "k"'], measures: { row_number: "max(row_number)", "b ✓": "min(row_number)" } };
  const { main } = await aggregate.run(table, config);
  expect(main.schema.names).toEqual(['odd "k"', "row_number", "b ✓"]);
  expect(await aggregated(table, config)).toEqual([
    ["a", 2, 2],
    ["b", 3, 1],
  ]);
});

it.each([
  "timestamp[ns, UTC]",
  "timestamp[s]",
  "decimal128(18, 4)",
  "dictionary<int32, utf8>",
  "list<int32>",
  "uint64",
])("groups by %s and keeps its values to the last bit", async (type) => {
  const rows = typedRows(type);
  const given = rowsOf(rows).map(({ value }) => JSON.stringify(value));
  const table = rows.toArrow();
  rows.close();
  const { main } = await aggregate.run(table, { groupBy: ["value"], measures: { row: "min(row)" } });
  const text = String(table.schema.fields[1]!.type);
  expect(String(main.schema.fields[0]!.type)).toBe(text.startsWith("Dictionary") ? "Utf8" : text);
  for (const [value, row] of await aggregated(table, { groupBy: ["value"], measures: { row: "min(row)" } })) {
    expect(JSON.stringify(value)).toBe(given[Number(row)]);
  }
});

it("keeps the zone of times, and gives none to others", async () => {
  const [zoned, plain] = ["timestamp[us, UTC]", "timestamp[us]"].map((type) => {
    const rows = typedRows(type);
    const column = rows.toArrow().getChild("value")!;
    rows.close();
    return column;
  });
  const table = new Table({ value: zoned!, plain: plain! });
  const { main } = await aggregate.run(table, { measures: { a: "max(value)", b: "max(plain)" } });
  expect(main.schema.fields.map(String)).toEqual(["a: Timestamp<MICROSECOND, UTC>", "b: Timestamp<MICROSECOND>"]);
});

describe("says what is wrong, and where", () => {
  const table = tableFromArrays({ k: ["a"], clicks: Int32Array.of(1) });

  it.each([
    [{ m: "sum(click)" }, { code: "unknown-column", pointer: "/measures/m", offset: 4, length: 5, hint: "clicks" }],
    [{ m: "'⚡' || max(nope)" }, { code: "unknown-column", offset: 11, length: 4 }],
    [{ "a/b~c": "sum(" }, { code: "invalid-expression", pointer: "/measures/a~1b~0c" }],
    [{ m: "1 + clicks" }, { code: "invalid-expression", offset: 4 }],
    [{ m: "sum(sum(clicks))" }, { code: "invalid-expression", offset: 4 }],
    [{ m: "sum(k)" }, { code: "invalid-expression", offset: 0 }],
    [{ m: "sum(clicks), count(*)" }, { code: "invalid-expression", offset: 13 }],
    [{ m: "sum(clicks) OVER ()" }, { code: "invalid-expression", offset: 0 }],
    [{ m: "max(random())" }, { code: "invalid-expression", offset: 4 }],
    [{ m: "reservoir_quantile(clicks, 0.5)" }, { code: "invalid-expression", offset: 0 }],
    [{ m: "1) FROM (SELECT 1" }, { code: "invalid-expression" }],
    [{ k: "count(*)" }, { code: "duplicate-column", pointer: "/measures/k" }],
  ])("%j", async (measures, problem) => {
    const run = aggregate.run(table, { groupBy: ["k"], measures: measures as Record<string, string> });
    await expect(run).rejects.toMatchObject({ name: "ConfigError", problems: [problem] });
  });

  it("every problem of the group's columns at once", async () => {
    const run = aggregate.run(table, { groupBy: ["kk", "k", "click"], measures: { m: "count(*)" } });
    await expect(run).rejects.toMatchObject({
      problems: [
        { code: "unknown-column", pointer: "/groupBy/0", hint: "k" },
        { code: "unknown-column", pointer: "/groupBy/2", hint: "clicks" },
      ],
    });
  });

  it("a column named twice", async () => {
    const run = aggregate.run(table, { groupBy: ["k", "k"], measures: { m: "count(*)" } });
    await expect(run).rejects.toMatchObject({ problems: [{ code: "duplicate-column", pointer: "/groupBy/1" }] });
  });

  it("a value that cannot be computed", async () => {
    const run = aggregate.run(table, { measures: { m: "sum(CAST(k AS INTEGER))" } });
    await expect(run).rejects.toMatchObject({ code: "expression-failed", domain: "user" });
  });
});

const kept = {
  rows: "count(*)",
  sum: "sum(n)",
  fraction: "sum(x) / count(x)",
  mean: "avg(x)",
  first: "min(name)",
  last: "max(t)",
  any: "bool_or(n > 3)",
  every: "bool_and(n > 3)",
  some: "count(*) FILTER (WHERE n > 2)",
  share: "count_if(n > 2) * 1.0 / count(*)",
};

const timed = tableFromArrays({
  t: Array.from({ length: 40 }, (_, index) => new Date(1_767_225_600_000 + index * 7000)),
  n: Int32Array.from({ length: 40 }, (_, index) => index % 7),
  x: Array.from({ length: 40 }, (_, index) => (index % 5 === 0 ? null : index / 8)),
  name: Array.from({ length: 40 }, (_, index) => "abc"[index % 3]!),
});

describeTransform({
  definition: aggregate as TransformDefinition,
  trials: [
    {
      title: "sliding windows",
      config: { window: { column: "t", size: "1 minute", slide: "20 s" }, groupBy: ["name"], measures: kept },
      rows: () => Promise.resolve(batches.fromArrow(timed)),
    },
    {
      title: "sessions",
      config: { window: { column: "t", gap: "6 s" }, groupBy: ["name"], measures: { rows: "count(*)" } },
      rows: () => Promise.resolve(batches.fromArrow(timed)),
    },
  ],
});

describe("with a window", () => {
  it("measures are what they are over the rows of the window", async () => {
    const window = { column: "t", size: "1 minute" };
    const windowed = await aggregated(timed, { window, groupBy: ["name"], measures: kept });
    const minute = "date_trunc('minute', min(t))";
    const plain = await aggregated(withMinutes(timed), {
      groupBy: ["minute", "name"],
      measures: { ...kept, minute_: minute },
    });
    expect(windowed.map((row) => row.slice(2))).toEqual(plain.map((row) => row.slice(1, -1)));
    expect(windowed.length).toBeGreaterThan(10);
  });

  it.each(["median(n)", "count(DISTINCT n)", "list(n)", "stddev(x)"])("refuses %s, and says where", async (measure) => {
    const window = { column: "t", size: "1 minute" };
    const run = aggregated(timed, { window, measures: { bad: measure } });
    await expect(run).rejects.toMatchObject({
      problems: [{ code: "invalid-expression", pointer: "/measures/bad", offset: 0 }],
    });
  });

  it.each([
    [{ column: "t", size: "0 s" }, "/window/size"],
    [{ column: "t", size: "1 s", slide: "2 s" }, "/window/slide"],
    [{ column: "n", size: "1 s" }, "/window/column"],
    [{ column: "tt", size: "1 s" }, "/window/column"],
  ])("refuses %j", async (window, pointer) => {
    const run = aggregated(timed, { window, measures: { rows: "count(*)" } });
    await expect(run).rejects.toMatchObject({ problems: [{ pointer }] });
  });

  it("a row without time is invalid", async () => {
    const table = tableFromArrays({ t: [new Date(5000), null], n: [1, 2] });
    const window = { column: "t", size: "1 s" };
    const ports = await aggregate.run(table, { window, measures: { rows: "count(*)" } });
    expect(Array.from(ports["invalid"]!.getChild("n")!)).toEqual([2]);
    expect([ports.main.numRows, ports["late"]!.numRows]).toEqual([1, 0]);
  });
});

function withMinutes(table: Table): Table {
  const minutes = Array.from(table.getChild("t")!, (time) => Math.floor(Number(time) / 60_000));
  return table.assign(tableFromArrays({ minute: Int32Array.from(minutes) }));
}
