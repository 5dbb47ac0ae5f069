import { type Batch, column, type ConfigProblem, OperatorError, schema } from "@sferic/operator";
import {
  DateDay,
  Decimal,
  Dictionary,
  Field,
  Float64,
  Int32,
  List,
  Schema as ArrowSchema,
  Table,
  TimestampNanosecond,
  Utf8,
  Vector,
  makeData,
  makeVector,
  tableFromArrays,
  vectorFromArray,
} from "apache-arrow";
import { describe, expect, it } from "vitest";
import { batches, handleOf } from "./batch.ts";

const threeNumbers = (): Batch =>
  batches.fromArrow(tableFromArrays({ n: Int32Array.of(1, 2, 3), x: Float64Array.of(0.5, -0, Number.NaN) }));

function valuesOf(batch: Batch, name: string): (number | bigint)[] {
  return Array.from<number | bigint>(batch.column(name).values as ArrayLike<number | bigint>);
}

function failureOf(call: () => unknown): unknown {
  try {
    call();
  } catch (thrown) {
    return thrown instanceof OperatorError ? thrown.toJSON() : thrown;
  }
  return undefined;
}

describe("a closed batch", () => {
  it.each([
    ["rowCount", (batch: Batch) => batch.rowCount],
    ["byteLength", (batch: Batch) => batch.byteLength],
    ["schema", (batch: Batch) => batch.schema],
    ["column", (batch: Batch) => batch.column("n")],
    ["toArrow", (batch: Batch) => batch.toArrow()],
    ["share", (batch: Batch) => batch.share()],
    ["concat", (batch: Batch) => batches.concat([batch], schema([]))],
  ])("says so when it is asked for %s", (_, use) => {
    const batch = threeNumbers();
    batch.close();
    expect(failureOf(() => use(batch))).toMatchObject({
      code: "batch-closed",
      domain: "internal",
      message: "The batch is closed; share() it before it is handed on.",
    });
  });

  it("may be closed again", () => {
    const batch = threeNumbers();
    batch.close();
    expect(() => batch.close()).not.toThrow();
  });

  it("leaves its rows to handles that share them, and values that were read", () => {
    const batch = threeNumbers();
    const [other, { values }, table] = [batch.share(), batch.column("n"), batch.toArrow()];
    batch.close();
    expect(other.rowCount).toBe(3);
    expect(valuesOf(other, "n")).toEqual([1, 2, 3]);
    other.close();
    expect(Array.from(values as Int32Array)).toEqual([1, 2, 3]);
    expect(Array.from(table.getChild("n")!)).toEqual([1, 2, 3]);
  });
});

describe("column", () => {
  it("copies: writing to the values changes no row", () => {
    const batch = threeNumbers();
    batch.column("n").values[0] = 9;
    expect(valuesOf(batch, "n")).toEqual([1, 2, 3]);
    batch.close();
  });

  it("gives floats to the bit, and no validity where nothing is null", () => {
    const batch = threeNumbers();
    expect(batch.column("x")).toEqual({ values: Float64Array.of(0.5, -0, Number.NaN) });
    batch.close();
  });

  it("marks nulls in a validity of one byte per row", () => {
    const batch = batches.fromArrow(new Table({ n: vectorFromArray([1, null, 3, null], new Int32()) }));
    expect(batch.column("n").validity).toEqual(Uint8Array.of(1, 0, 1, 0));
    batch.close();
  });

  it("names the columns that there are when it is asked for another", () => {
    const batch = threeNumbers();
    const message = expect.stringContaining('"m"; there are n, x');
    expect(failureOf(() => batch.column("m"))).toMatchObject({ code: "unknown-column", message });
    batch.close();
  });

  it.each([
    ["text", vectorFromArray(["a"], new Utf8())],
    ["lists", vectorFromArray([[1]], new List(new Field("item", new Int32())))],
    ["decimals", makeVector(makeData({ type: new Decimal(4, 18), data: Uint32Array.of(1, 0, 0, 0) }))],
  ] as [string, Vector][])("refuses %s, which have no typed array", (_, vector) => {
    const batch = batches.fromArrow(new Table({ value: vector }));
    const message = expect.stringContaining('"value"');
    expect(failureOf(() => batch.column("value"))).toMatchObject({ code: "column-type", message });
    batch.close();
  });
});

describe("tables of apache-arrow", () => {
  /** The cells of a table that went in and came out. */
  function returned(vector: Vector): unknown[] {
    const batch = batches.fromArrow(new Table({ value: vector }));
    const cells = Array.from(batch.toArrow().getChild("value")!);
    batch.close();
    return cells;
  }

  it("come back with nulls, times to the nanosecond, days and text", () => {
    const times = makeVector(
      makeData({ type: new TimestampNanosecond("UTC"), data: BigInt64Array.of(-1n, 2n ** 63n - 1n) }),
    );
    const batch = batches.fromArrow(new Table({ value: times }));
    expect(batch.schema.columns[0]).toMatchObject({ type: "timestamp[ns, UTC]" });
    expect(valuesOf(batch, "value")).toEqual([-1n, 2n ** 63n - 1n]);
    batch.close();
    expect(returned(vectorFromArray([1.5, null, Number.NaN], new Float64()))).toEqual([1.5, null, Number.NaN]);
    expect(returned(vectorFromArray(["", null, "δ⚡"], new Utf8()))).toEqual(["", null, "δ⚡"]);
    const days = vectorFromArray([new Date("1969-12-31"), null], new DateDay());
    expect(returned(days)).toEqual(Array.from(days));
  });

  it("come back with dictionaries, nulls in them too", () => {
    const words = ["a", null, "b", "a"];
    const batch = batches.fromArrow(
      new Table({ value: vectorFromArray(words, new Dictionary(new Utf8(), new Int32())) }),
    );
    expect(batch.schema.columns[0]).toMatchObject({ type: "dictionary<int32, utf8>" });
    expect(Array.from(batch.toArrow().getChild("value")!)).toEqual(words);
    batch.close();
  });

  it("come back with decimals, digit for digit", () => {
    const digits = Uint32Array.of(0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 12_345, 0, 0, 0);
    const batch = batches.fromArrow(
      new Table({ value: makeVector(makeData({ type: new Decimal(4, 18), data: digits })) }),
    );
    expect(batch.schema.columns[0]).toMatchObject({ type: "decimal128(18, 4)" });
    expect(batch.toArrow().getChild("value")!.data[0]!.values).toEqual(digits);
    batch.close();
  });

  it("come in as slices: only the rows of the slice", () => {
    const whole = new Table({
      n: vectorFromArray([0, null, 2, 3, null, 5], new Int32()),
      text: vectorFromArray(["a", "bb", null, "dddd", "e", ""], new Utf8()),
    });
    const batch = batches.fromArrow(whole.slice(1, 4));
    expect(batch.rowCount).toBe(3);
    expect(batch.column("n").validity).toEqual(Uint8Array.of(0, 1, 1));
    expect(valuesOf(batch, "n").slice(1)).toEqual([2, 3]);
    expect(Array.from(batch.toArrow().getChild("text")!)).toEqual(["bb", null, "dddd"]);
    expect(batch.byteLength).toBeLessThan(batches.fromArrow(whole).byteLength);
    batch.close();
  });

  it("come in from several record batches as one", () => {
    const parts = tableFromArrays({ n: Int32Array.of(1, 2) }).concat(tableFromArrays({ n: Int32Array.of(3) }));
    expect(parts.batches).toHaveLength(2);
    const batch = batches.fromArrow(parts);
    expect(valuesOf(batch, "n")).toEqual([1, 2, 3]);
    batch.close();
  });

  it("come in without rows and without columns", () => {
    const none = batches.fromArrow(new Table(new ArrowSchema([new Field("n", new Int32(), true)])));
    expect([none.rowCount, none.schema.names]).toEqual([0, ["n"]]);
    none.close();
  });

  it("keep the unit of a column", () => {
    const energy = new Field("energy", new Float64(), false, new Map([["unit", "J"]]));
    const table = new Table(new ArrowSchema([energy]), { energy: vectorFromArray([1, 2], new Float64()) });
    const batch = batches.fromArrow(table);
    expect(batch.schema.columns).toEqual([{ name: "energy", type: "float64", nullable: false, unit: "J" }]);
    expect(batch.toArrow().schema.fields[0]!.metadata.get("unit")).toBe("J");
    batch.close();
  });
});

describe("fromRows", () => {
  it("takes a missing field for a null, and integers beyond 2^53 as bigint", () => {
    const columns = schema([column("n", "int64", { nullable: true }), column("ok", "bool", { nullable: true })]);
    const batch = batches.fromRows(columns, [{ n: 2n ** 53n + 1n, ok: true }, {}, { n: 3 }]);
    expect(Array.from(batch.toArrow().getChild("n")!)).toEqual([2n ** 53n + 1n, null, 3n]);
    expect(Array.from(batch.toArrow().getChild("ok")!)).toEqual([true, null, null]);
    batch.close();
  });

  it("tells every value that its column cannot hold, and every column that is not there", () => {
    const columns = schema([
      column("n", "int8", { nullable: true }),
      column("t", "timestamp[ms, UTC]", { nullable: true }),
      column("inner", "struct<list: list<int32>>", { nullable: true }),
    ]);
    const rows = [
      { n: 128, t: "yesterday" },
      { n: 1.5, m: 1, inner: { list: [1, "2", []] } },
      { t: "2026-11-21T00:00:00.0001Z", inner: 7 },
    ];
    const { details } = failureOf(() => batches.fromRows(columns, rows)) as OperatorError;
    const problems = (details["problems"] as ConfigProblem[]).map(({ pointer, message }) => `${pointer} ${message}`);
    expect(problems.toSorted()).toEqual([
      "/0/n 128 is not a whole number of 8 bits",
      '/0/t "yesterday" is not a time such as "2026-11-21T09:30:00.25Z"',
      "/1/inner/list/2 a list is not a whole number of 32 bits",
      '/1/m there is no column "m"; there are n, t, inner',
      "/1/n 1.5 is not a whole number of 8 bits",
      "/2/inner 7 is not an object",
      '/2/t "2026-11-21T00:00:00.0001Z" is not a time such as "2026-11-21T09:30:00.25Z"',
    ]);
  });

  it.each(["2001-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2262-04-12T00:00:00Z"])(
    "refuses %s, which no day or no number of 64 bits is",
    (t) => {
      const columns = schema([column("t", "timestamp[ns, UTC]")]);
      expect(failureOf(() => batches.fromRows(columns, [{ t }]))).toMatchObject({
        details: { problems: [{ pointer: "/0/t" }] },
      });
    },
  );

  it("refuses a type that rows cannot hold", () => {
    const columns = schema([column("t", "float16")]);
    expect(failureOf(() => batches.fromRows(columns, []))).toMatchObject({ code: "column-type" });
  });
});

describe("concat", () => {
  it("puts rows in order and closes what it takes", () => {
    const [first, second] = [threeNumbers(), threeNumbers()];
    const all = batches.concat([first, second], schema([]));
    expect(valuesOf(all, "n")).toEqual([1, 2, 3, 1, 2, 3]);
    for (const taken of [first, second])
      expect(failureOf(() => taken.rowCount)).toMatchObject({ code: "batch-closed" });
    all.close();
  });

  it.each([
    ["fewer columns", tableFromArrays({ n: Int32Array.of(1) })],
    ["another name", tableFromArrays({ n: Int32Array.of(1), y: Float64Array.of(1) })],
    ["another type", tableFromArrays({ n: Int32Array.of(1), x: Int32Array.of(1) })],
  ])("refuses a batch of %s, and closes what it takes", (_, table) => {
    const [first, second] = [threeNumbers(), batches.fromArrow(table)];
    expect(failureOf(() => batches.concat([first, second], schema([])))).toMatchObject({
      code: "schema-mismatch",
      message: expect.stringContaining("one has n: int32, x: float64; another has n: int32"),
    });
    for (const taken of [first, second])
      expect(failureOf(() => taken.rowCount)).toMatchObject({ code: "batch-closed" });
  });

  it("gives no rows of the schema for no batches", () => {
    const none = batches.concat([], schema([column("t", "timestamp[ns, UTC]", { unit: "s" })]));
    expect([none.rowCount, none.schema.columns]).toEqual([
      0,
      [{ name: "t", type: "timestamp[ns, UTC]", nullable: false, unit: "s" }],
    ]);
    none.close();
  });

  it("refuses a type that is none", () => {
    expect(failureOf(() => batches.concat([], schema([column("t", "integer")])))).toMatchObject({
      code: "unknown-type",
    });
  });
});

it("refuses a batch of someone else", () => {
  const foreign = { ...threeNumbers(), rowCount: 1, close: () => {}, share: () => foreign } as never;
  expect(failureOf(() => handleOf(foreign))).toMatchObject({ code: "foreign-batch", domain: "internal" });
});
