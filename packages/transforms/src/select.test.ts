import { batches } from "@sferic/bindings/batch";
import { type Batch, column, rowsOf, type Schema, schema } from "@sferic/operator";
import { cut, describeTransform, epochOf, operatorContext, streamOf, typedRows } from "@sferic/testkit";
import { tableFromArrays } from "apache-arrow";
import { describe, expect, it } from "vitest";
import { select } from "./select.ts";

describeTransform({ definition: select });

const table = tableFromArrays({
  x: [1.5, Number.NaN, null, -2],
  n: Int32Array.of(7, -7, 2_147_483_647, 0),
  'odd "name"': ["a", null, "δ⚡", ""],
});

type Columns = Readonly<Record<string, string>>;

async function selected(columns: Columns): Promise<unknown[]> {
  const { main } = await select.run(table, { columns });
  return main.toArray().map((row: { toJSON(): unknown }) => row.toJSON());
}

it("gives the columns in the order asked for, under any name", async () => {
  const { main } = await select.run(table, { columns: { "b ✓": "n", a: "x", 'c"': '"odd ""name"""' } });
  expect(main.schema.fields.map(String)).toEqual(["b ✓: Int32", "a: Float64", 'c": Dictionary<Int32, Utf8>']);
  expect(Array.from(main.getChild('c"')!)).toEqual(["a", null, "δ⚡", ""]);
});

it("computes with nulls as SQL does: unknown unless the answer is known", async () => {
  const columns = { sum: "x + 1", both: "x > 0 AND n < 0", either: "x > 0 OR n > 0", filled: "coalesce(x, 0)" };
  expect(await selected(columns)).toEqual([
    { sum: 2.5, both: false, either: true, filled: 1.5 },
    { sum: Number.NaN, both: true, either: true, filled: Number.NaN },
    { sum: null, both: false, either: true, filled: 0 },
    { sum: -1, both: false, either: false, filled: -2 },
  ]);
});

it("divides as floats and takes a remainder with the sign of the dividend", async () => {
  expect(await selected({ half: "n / 2", rest: "n % 4", none: "n / 0" })).toEqual([
    { half: 3.5, rest: 3, none: Number.POSITIVE_INFINITY },
    { half: -3.5, rest: -3, none: Number.NEGATIVE_INFINITY },
    { half: 1_073_741_823.5, rest: 3, none: Number.POSITIVE_INFINITY },
    { half: 0, rest: 0, none: Number.NaN },
  ]);
});

describe("times", () => {
  const times = async (type: string, expression: string): Promise<unknown[]> => {
    const rows = typedRows(type);
    const { main } = await select.run(rows.toArrow(), { columns: { value: expression } });
    rows.close();
    const answer = batches.fromArrow(main);
    const cells = rowsOf(answer).map(({ value }) => value);
    answer.close();
    return cells;
  };

  it("pass through to the nanosecond, with their zone", async () => {
    expect(await times("timestamp[ns, UTC]", "value")).toEqual([
      "1969-12-31T23:59:59.999999999Z",
      "2018-07-02T04:33:00.000000001Z",
      null,
      "2262-04-11T23:47:16.854775807Z",
      "1970-01-01T00:00:00Z",
    ]);
  });

  it("move by intervals and round down to hours, before 1970 too", async () => {
    expect((await times("timestamp[s]", "value + INTERVAL 1 SECOND")).slice(0, 3)).toEqual([
      "1970-01-01T00:00:00",
      "2018-07-02T04:33:01",
      null,
    ]);
    expect((await times("timestamp[us, UTC]", "date_trunc('hour', value)")).slice(0, 3)).toEqual([
      "1969-12-31T23:00:00Z",
      "2018-07-02T04:00:00Z",
      null,
    ]);
  });

  it("give their parts", async () => {
    expect(await times("timestamp[us]", "extract(year FROM value)")).toEqual([1969, 2018, null, 9999, 1970]);
  });
});

describe("epoch_time", () => {
  const at = async (columns: Schema, expressions: Columns): Promise<unknown[]> => {
    const config = select.config.parse({ columns: expressions });
    const transform = select.create(config, operatorContext({ directory: "." }));
    const [name] = columns.names;
    const rows = batches.fromRows(columns, [{ [name!]: 1 }, { [name!]: 2 }]);
    const cells: unknown[] = [];
    for await (const output of transform.apply(streamOf(cut(rows, 1)), epochOf(3), {})) {
      cells.push(...rowsOf(output as Batch));
      (output as Batch).close();
    }
    rows.close();
    return cells;
  };
  const n = schema([column("n", "int64", { nullable: true })]);

  it("is the time of the epoch in every row, to the millisecond", async () => {
    // 2026-01-01T00:00:00Z, and a second for each epoch before.
    const row = { time: "2026-01-01T00:00:03Z", ns: 1_767_225_603_000_000_000n };
    const found = await at(n, { time: "epoch_time", ns: "epoch_ms(epoch_time) * 1000000" });
    expect(found).toMatchObject([{ time: row.time }, { time: row.time }]);
    expect(found.map((cells) => BigInt((cells as { ns: string }).ns))).toEqual([row.ns, row.ns]);
  });

  it("is the input's own column where there is one", async () => {
    expect(await at(schema([column("epoch_time", "int32")]), { time: "epoch_time" })).toEqual([
      { time: 1 },
      { time: 2 },
    ]);
  });

  it("is asked of no source", () => {
    const config = select.config.parse({ columns: { n: "n", time: "epoch_time" } });
    expect(select.reads!({ main: n }, config, ["n", "time"])).toEqual({ main: ["n"] });
  });
});

describe("says what is wrong in an expression, and where", () => {
  const problemsOf = (columns: Columns): Promise<unknown> =>
    select.run(table, { columns }).then(
      () => [],
      (thrown: { problems: unknown }) => thrown.problems,
    );

  it("every problem at once, by its column", async () => {
    expect(await problemsOf({ a: "n + nn", b: "x +", c: "x" })).toMatchObject([
      { code: "unknown-column", pointer: "/columns/a", offset: 4, length: 2, hint: "n" },
      { code: "invalid-expression", pointer: "/columns/b", offset: 3 },
    ]);
  });

  it("with a name as a part of a JSON pointer", async () => {
    expect(await problemsOf({ "a/b~c": "nope" })).toMatchObject([{ pointer: "/columns/a~1b~0c", offset: 0 }]);
  });

  it.each([
    ["*", 0],
    ["x, x", 3],
    ["sum(x)", 0],
    ["current_timestamp", 0],
  ])("%s is not one expression over one row", async (expression, offset) => {
    expect(await problemsOf({ a: expression })).toMatchObject([
      { code: "invalid-expression", pointer: "/columns/a", offset },
    ]);
  });
});

it("names the column and the row of a value that cannot be computed", async () => {
  await expect(select.run(table, { columns: { y: "n + 1" } })).rejects.toMatchObject({
    code: "expression-failed",
    details: { column: "y", row: 2 },
  });
});
