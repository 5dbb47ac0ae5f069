import { batches } from "@sferic/bindings/batch";
import type { Batch } from "@sferic/operator";
import {
  Binary,
  Bool,
  type DataType,
  DateDay,
  Decimal,
  Dictionary,
  Field,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  Int8,
  List,
  makeData,
  makeVector,
  Schema as ArrowSchema,
  Struct,
  Table,
  TimeMicrosecond,
  TimestampMicrosecond,
  TimestampMillisecond,
  TimestampNanosecond,
  TimestampSecond,
  Uint16,
  Uint32,
  Uint64,
  Uint8,
  Utf8,
  Vector,
  vectorFromArray,
} from "apache-arrow";

/** 1969-12-31T23:59:59.999999999Z, 2018-07-02T04:33:00.000000001Z and the ends of what 64 bits of nanoseconds hold. */
const nanoseconds = [-1n, 1_530_505_980_000_000_001n, -(2n ** 63n) + 1n, 2n ** 63n - 1n, 0n];
const seconds = [-1n, 1_530_505_980n, -62_135_596_800n, 253_402_300_799n, 0n];

/**
 * Values of every column type that the contract knows, by type text: ends of the range, values beside zero, special
 * floats, and text that must be quoted. A null is among the rows of {@link typedRows}.
 */
const samples: Readonly<Record<string, () => Vector>> = {
  bool: () => vectorFromArray([true, false, true, false, true], new Bool()),
  int8: () => numbers(new Int8(), Int8Array.of(-128, 127, 0, -1, 1)),
  int16: () => numbers(new Int16(), Int16Array.of(-32_768, 32_767, 0, -1, 1)),
  int32: () => numbers(new Int32(), Int32Array.of(-(2 ** 31), 2 ** 31 - 1, 0, -1, 1)),
  int64: () => numbers(new Int64(), BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n + 1n, -1n, 0n)),
  uint8: () => numbers(new Uint8(), Uint8Array.of(255, 0, 1, 127, 128)),
  uint16: () => numbers(new Uint16(), Uint16Array.of(65_535, 0, 1, 32_767, 32_768)),
  uint32: () => numbers(new Uint32(), Uint32Array.of(2 ** 32 - 1, 0, 1, 2 ** 31 - 1, 2 ** 31)),
  uint64: () => numbers(new Uint64(), BigUint64Array.of(2n ** 64n - 1n, 0n, 1n, 2n ** 63n, 2n ** 53n + 1n)),
  float32: () => numbers(new Float32(), Float32Array.of(0.1, -0, Number.POSITIVE_INFINITY, Number.NaN, 1e-45)),
  float64: () => numbers(new Float64(), Float64Array.of(0.1, -0, Number.NEGATIVE_INFINITY, Number.NaN, 5e-324)),
  utf8: () => vectorFromArray(["plain", "", 'comma, "quote"\nline', " δ⚡ ", "null"], new Utf8()),
  binary: () =>
    vectorFromArray(
      [0, 1, 2, 3, 4].map((length) => new Uint8Array(length).fill(255)),
      new Binary(),
    ),
  date32: () => numbers(new DateDay(), Int32Array.of(0, -1, 17_714, -719_162, 2_932_896)),
  "time64[us]": () =>
    numbers(new TimeMicrosecond(), BigInt64Array.of(0n, 1n, 86_399_999_999n, 1_000_000n, 43_200_000_000n)),
  "timestamp[ns, UTC]": () => numbers(new TimestampNanosecond("UTC"), BigInt64Array.from(nanoseconds)),
  "timestamp[us, UTC]": () => numbers(new TimestampMicrosecond("UTC"), scaled(1_000_000n)),
  "timestamp[us]": () => numbers(new TimestampMicrosecond(), scaled(1_000_000n)),
  "timestamp[ms]": () => numbers(new TimestampMillisecond(), scaled(1000n)),
  "timestamp[s]": () => numbers(new TimestampSecond(), scaled(1n)),
  "decimal128(18, 4)": () => numbers(new Decimal(4, 18), decimals([1n, -1n, 999_999_999_999_999_999n, 0n, 12_345n])),
  "list<int32>": () =>
    vectorFromArray([[1, 2], [], [-1], [0, 0, 0], [2 ** 31 - 1]], new List(new Field("item", new Int32(), true))),
  "struct<a: int32, b: utf8>": () =>
    vectorFromArray(
      [1, 2, 3, 4, 5].map((a) => ({ a, b: `b${a}` })),
      new Struct([new Field("a", new Int32(), true), new Field("b", new Utf8(), true)]) as DataType,
    ),
  "dictionary<int32, utf8>": () => vectorFromArray(["a", "b", "a", "c", "a"], new Dictionary(new Utf8(), new Int32())),
};

/** Every type that {@link typedRows} has rows of. */
export const sampleTypes: readonly string[] = Object.keys(samples);

/** Five rows of columns `row: int32` and `value` of the type, the value null in the third one. The caller closes them. */
export function typedRows(type: string): Batch {
  const values = samples[type]!();
  const [data] = values.data;
  const isNull = { nullCount: 1, nullBitmap: Uint8Array.of(0b11011, 0, 0, 0, 0, 0, 0, 0) };
  const withNull = data!.clone(data!.type, data!.offset, data!.length, isNull.nullCount, {
    0: data!.valueOffsets,
    1: data!.values,
    2: isNull.nullBitmap,
    3: data!.typeIds,
  } as never);
  const fields = [new Field("row", new Int32(), false), new Field("value", values.type, true)];
  const row = makeVector(Int32Array.of(0, 1, 2, 3, 4));
  return batches.fromArrow(new Table(new ArrowSchema(fields), { row, value: new Vector([withNull]) } as never));
}

function numbers(type: DataType, data: ArrayBufferView): Vector {
  return makeVector(makeData({ type, data, nullCount: 0 } as never) as never) as Vector;
}

function scaled(perSecond: bigint): BigInt64Array {
  return BigInt64Array.from(seconds, (value) => value * perSecond + (perSecond > 1n ? 1n : 0n));
}

/** Two's complement 128-bit little-endian integers, four words each. */
function decimals(values: readonly bigint[]): Uint32Array {
  return Uint32Array.from(
    values.flatMap((value) => [0n, 32n, 64n, 96n].map((shift) => Number((value >> shift) & 0xffff_ffffn))),
  );
}
