import { type Table, tableFromArrays } from "apache-arrow";
import { expect, it } from "vitest";
import type { Batch } from "./batch.ts";
import { rowsOf } from "./rows.ts";
import { column, Schema } from "./schema.ts";

/** A batch over numbers of JavaScript, as far as `rowsOf` looks at one. */
function batchOf(type: string, values: BigInt64Array | Float64Array): Batch {
  const table: Table = tableFromArrays({ value: values });
  return {
    schema: new Schema([column("value", type)]),
    rowCount: values.length,
    column: () => ({ values }),
    toArrow: () => table,
  } as unknown as Batch;
}

it("writes times as RFC 3339, with as many decimals in groups of three as they need", () => {
  const times = BigInt64Array.of(0n, 1_000_000n, -1n, 1_530_505_980_000_001_000n);
  expect(rowsOf(batchOf("timestamp[ns, UTC]", times)).map(({ value }) => value)).toEqual([
    "1970-01-01T00:00:00Z",
    "1970-01-01T00:00:00.001Z",
    "1969-12-31T23:59:59.999999999Z",
    "2018-07-02T04:33:00.000001Z",
  ]);
});

it("writes a time beyond the years of a Date as its number", () => {
  const times = BigInt64Array.of(2n ** 63n - 1n, 8_640_000_000_000_000_000n, -(2n ** 63n));
  expect(rowsOf(batchOf("timestamp[us]", times)).map(({ value }) => value)).toEqual([
    "9223372036854775807",
    "+275760-09-13T00:00:00",
    "-9223372036854775808",
  ]);
});

it("gives the rows asked for, integers beyond 2^53 and what is no number as text", () => {
  expect(rowsOf(batchOf("int64", BigInt64Array.of(1n, 2n ** 53n, 3n)), 1, 1)).toEqual([{ value: "9007199254740992" }]);
  expect(rowsOf(batchOf("float64", Float64Array.of(0.5, Number.NaN, -Infinity)))).toEqual([
    { value: 0.5 },
    { value: "NaN" },
    { value: "-Infinity" },
  ]);
  expect(rowsOf(batchOf("float64", Float64Array.of(1)), 5, 1)).toEqual([]);
});
