import { describe, expect, it } from "vitest";
import { ConfigError } from "./errors.ts";
import { column, isKind, schema } from "./schema.ts";

const columns = schema([
  column("lon", "float32", { unit: "degrees_east" }),
  column("lat", "float64"),
  column("n", "int64"),
]);

function problemsOf(call: () => unknown): unknown {
  try {
    call();
  } catch (thrown) {
    if (thrown instanceof ConfigError) return thrown.problems;
    throw thrown;
  }
  return [];
}

describe("append", () => {
  it("puts a new column at the end", () => {
    expect(columns.append(column("cluster", "int32")).names).toEqual(["lon", "lat", "n", "cluster"]);
  });

  it("puts a column that is there already in its place, with the new type and without the old unit", () => {
    const changed = columns.append(column("lon", "int32", { nullable: true }));
    expect(changed.names).toEqual(["lon", "lat", "n"]);
    expect(changed.columns[0]).toEqual({ name: "lon", type: "int32", nullable: true });
    expect(columns.columns[0]!.type).toBe("float32");
  });
});

describe("require", () => {
  it("names every column that is missing, by its place and with the nearest name", () => {
    expect(problemsOf(() => columns.require(["lat", "lonn", "altitude_of_sun"]))).toEqual([
      {
        code: "unknown-column",
        message: 'column "lonn" is not in the input; it has lon, lat, n',
        pointer: "/columns/1",
        hint: "lon",
      },
      {
        code: "unknown-column",
        message: 'column "altitude_of_sun" is not in the input; it has lon, lat, n',
        pointer: "/columns/2",
      },
    ]);
  });

  it.each(["int8", "uint64", "float32", "float64"])("takes %s for a number", (type) => {
    expect(schema([column("x", type)]).require(["x"], "number").names).toEqual(["x"]);
  });

  it.each(["decimal128(18, 4)", "float16"])("says how %s becomes a number that can be computed with", (type) => {
    expect(problemsOf(() => schema([column("x", type)]).require(["x"], "number"))).toEqual([
      {
        code: "column-type",
        message: `column "x" is ${type}, not an integer, float32 or float64; convert it in a select before, with CAST("x" AS DOUBLE)`,
        pointer: "/columns/0",
      },
    ]);
  });

  it.each(["utf8", "bool", "timestamp[ns, UTC]", "list<int32>", "dictionary<int32, utf8>"])(
    "refuses %s as a number",
    (type) => {
      expect(problemsOf(() => schema([column("x", type)]).require(["x"], "number"))).toMatchObject([
        { code: "column-type", message: `column "x" is ${type}, not a number` },
      ]);
    },
  );

  it("gives places below the pointer that it is told", () => {
    const problem = { code: "column-type", message: 'column "lat" is float64, not an integer' };
    expect(problemsOf(() => columns.require(["n", "lat"], "integer", "/x"))).toEqual([{ ...problem, pointer: "/x/1" }]);
    expect(problemsOf(() => columns.requireOne("lat", "integer", "/label"))).toEqual([
      { ...problem, pointer: "/label" },
    ]);
  });
});

it("takes dates and timestamps for times, and nothing else", () => {
  const times = ["date32", "timestamp[s]", "timestamp[ns, UTC]", "time64[us]", "int64"].map((type) =>
    isKind(type, "time"),
  );
  expect(times).toEqual([true, true, true, false, false]);
});
