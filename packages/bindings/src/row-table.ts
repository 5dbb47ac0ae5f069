import { type ConfigProblem, nearest, OperatorError, toPointer } from "@sferic/operator";
import type * as Arrow from "apache-arrow";

type RowObject = Readonly<Record<string, unknown>>;

/** Tells that a value does not suit; `path` leads from its column to it. */
type Refuse = (
  row: number,
  path: readonly (string | number)[],
  reason: string,
  problem?: Partial<ConfigProblem>,
) => void;

/**
 * Rows given as objects, as a table of the schema. A missing field is a null; values are as JSON has them (a time is RFC
 * 3339 text, a 64-bit integer also text, bytes are hex, NaN and infinities are text), or bigint where Arrow has 64 bits.
 * Throws `invalid-rows`, whose `details.problems` hold one problem per value that does not suit, with a pointer that
 * begins with the row; and `column-type` for a type that rows cannot hold.
 */
export function tableOfRows(arrow: typeof Arrow, schema: Arrow.Schema, rows: readonly RowObject[]): Arrow.Table {
  const problems: ConfigProblem[] = [];
  const refuse: Refuse = (row, path, message, problem) => {
    problems.push({ code: "invalid-value", message, pointer: toPointer([row, ...path]), ...problem });
  };
  const names = schema.fields.map(({ name }) => String(name));
  rows.forEach((row, index) =>
    refuseOthers("column", row, names, (path, reason, more) => refuse(index, path, reason, more)),
  );
  const builder = new ColumnBuilder(arrow);
  const columns = schema.fields.map((field) => {
    const name = String(field.name);
    const cells = rows.map((row) => (Object.hasOwn(row, name) ? (row[name] ?? null) : null));
    return [name, new arrow.Vector([builder.data(field.type, cells, at(refuse, name))])] as const;
  });
  if (problems.length === 0) return new arrow.Table(schema, Object.fromEntries(columns));
  const [{ message, pointer }] = problems as [ConfigProblem];
  throw new OperatorError({ code: "invalid-rows", message: `${pointer}: ${message}`, details: { problems } });
}

function at(refuse: Refuse, ...outer: readonly (string | number)[]): Refuse {
  return (row, path, reason, problem) => refuse(row, [...outer, ...path], reason, problem);
}

/** Refuses what has none of the names. */
function refuseOthers(
  what: "column" | "field",
  value: RowObject,
  names: readonly string[],
  refuse: (path: readonly string[], reason: string, problem: Partial<ConfigProblem>) => void,
): void {
  for (const name of Object.keys(value).filter((key) => !names.includes(key))) {
    const near = nearest(name, names);
    const reason = `there is no ${what} "${name}"; there are ${names.join(", ") || "none"}`;
    refuse([name], reason, { code: "unknown-column", ...(near === undefined ? {} : { hint: near }) });
  }
}

/** Builds Arrow data of any type of the contract. A cell that is refused becomes a null. */
class ColumnBuilder {
  readonly #arrow: typeof Arrow;

  constructor(arrow: typeof Arrow) {
    this.#arrow = arrow;
  }

  data(type: Arrow.DataType, cells: readonly unknown[], refuse: Refuse): Arrow.Data {
    const { DataType } = this.#arrow;
    if (DataType.isList(type)) return this.#list(type, cells, refuse);
    if (DataType.isStruct(type)) return this.#struct(type, cells, refuse);
    const read = this.#reader(type);
    const values = cells.map((cell, row) => {
      const value = cell === null ? null : read.value(cell);
      if (value === undefined) refuse(row, [], `${shown(cell)} is not ${read.what}`);
      return value ?? null;
    });
    if (DataType.isUtf8(type) || DataType.isBinary(type)) return this.#bytes(type, values as (Uint8Array | null)[]);
    if (DataType.isDictionary(type)) {
      const own = new this.#arrow.Dictionary(type.dictionary, type.indices);
      return this.#arrow.vectorFromArray(values, own).data[0] as Arrow.Data;
    }
    return this.#fixed(type, values as (number | bigint | boolean | null)[]);
  }

  #reader(type: Arrow.DataType): CellReader {
    const { DataType, DateUnit, Precision } = this.#arrow;
    if (DataType.isInt(type)) return integerReader(type.bitWidth, type.isSigned);
    if (DataType.isFloat(type) && type.precision !== Precision.HALF) return floatReader;
    if (DataType.isBool(type)) return booleanReader;
    if (DataType.isUtf8(type)) return { ...textReader, value: (cell) => asBytes(textReader.value(cell)) };
    if (DataType.isDictionary(type) && DataType.isUtf8(type.dictionary)) return textReader;
    if (DataType.isBinary(type)) return hexReader;
    if (DataType.isDate(type) && type.unit === DateUnit.DAY) return dateReader;
    if (DataType.isTimestamp(type)) return timestampReader(unitsPerSecond(type.unit));
    if (DataType.isTime(type)) return clockReader(unitsPerSecond(type.unit));
    if (DataType.isDecimal(type)) return decimalReader(type.precision, type.scale);
    throw new OperatorError({ code: "column-type", message: `Rows cannot hold a ${this.#arrow.Type[type.typeId]}.` });
  }

  #fixed(type: Arrow.DataType, values: readonly (number | bigint | boolean | null)[]): Arrow.Data {
    const { DataType } = this.#arrow;
    const nulls = nullsOf(values);
    if (DataType.isBool(type)) return this.#make(type, values.length, nulls, { data: bitmap(values.map(Boolean)) });
    if (DataType.isDecimal(type)) {
      const words = values.flatMap((value) => wordsOf((value ?? 0n) as bigint));
      return this.#make(type, values.length, nulls, { data: Uint32Array.from(words) });
    }
    const wide = (type.ArrayType as { BYTES_PER_ELEMENT: number }).BYTES_PER_ELEMENT === 8 && !DataType.isFloat(type);
    const filled = values.map((value) => value ?? (wide ? 0n : 0));
    return this.#make(type, values.length, nulls, {
      data: (type.ArrayType as typeof Int32Array).from(filled as never),
    });
  }

  #bytes(type: Arrow.DataType, values: readonly (Uint8Array | null)[]): Arrow.Data {
    const valueOffsets = offsetsOf(values.map((value) => value?.length ?? 0));
    const data = Buffer.concat(values.map((value) => value ?? new Uint8Array()));
    return this.#make(type, values.length, nullsOf(values), { valueOffsets, data: new Uint8Array(data) });
  }

  #list(type: Arrow.List, cells: readonly unknown[], refuse: Refuse): Arrow.Data {
    const lists = cells.map((cell, row) => {
      if (cell === null || Array.isArray(cell)) return cell as unknown[] | null;
      refuse(row, [], `${shown(cell)} is not a list`);
      return null;
    });
    const places = lists.flatMap((list, row) => (list ?? []).map((_, index) => [row, index] as const));
    const child = this.data(
      type.children[0]!.type,
      lists.flatMap((list) => list ?? []),
      (item, path, reason, problem) => {
        const [row, index] = places[item]!;
        refuse(row, [index, ...path], reason, problem);
      },
    );
    const valueOffsets = offsetsOf(lists.map((list) => list?.length ?? 0));
    return this.#make(type, lists.length, nullsOf(lists), { valueOffsets, child });
  }

  #struct(type: Arrow.Struct, cells: readonly unknown[], refuse: Refuse): Arrow.Data {
    const names = type.children.map(({ name }) => String(name));
    const objects = cells.map((cell, row) => {
      if (cell !== null && (typeof cell !== "object" || Array.isArray(cell))) {
        refuse(row, [], `${shown(cell)} is not an object`);
        return null;
      }
      refuseOthers("field", (cell ?? {}) as RowObject, names, (path, reason, more) => refuse(row, path, reason, more));
      return cell as RowObject | null;
    });
    const children = type.children.map((field, index) => {
      const name = names[index]!;
      return this.data(
        field.type,
        objects.map((object) => object?.[name] ?? null),
        at(refuse, name),
      );
    });
    return this.#make(type, objects.length, nullsOf(objects), { children });
  }

  #make(type: Arrow.DataType, length: number, { nullCount, nullBitmap }: Nulls, parts: object): Arrow.Data {
    return this.#arrow.makeData({ type, length, nullCount, nullBitmap, ...parts } as never) as Arrow.Data;
  }
}

/** Reads one JSON value; undefined when it is not `what`. */
interface CellReader {
  readonly what: string;
  value(cell: unknown): unknown;
}

function integerReader(bits: number, isSigned: boolean): CellReader {
  const fits = (value: bigint): boolean =>
    (isSigned ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value)) === value;
  return {
    what: `a whole number of ${bits} bits${isSigned ? "" : " without a sign"}`,
    value: (cell) => {
      const isWhole = typeof cell === "bigint" || Number.isSafeInteger(cell);
      if (!isWhole && !(typeof cell === "string" && /^-?\d{1,20}$/.test(cell))) return undefined;
      const value = BigInt(cell as bigint | number | string);
      if (!fits(value)) return undefined;
      return bits === 64 ? value : Number(value);
    },
  };
}

const floatReader: CellReader = {
  what: 'a number, "NaN", "Infinity" or "-Infinity"',
  value: (cell) => {
    if (typeof cell === "number") return cell;
    return ["NaN", "Infinity", "-Infinity"].includes(cell as string) ? Number(cell) : undefined;
  },
};

const booleanReader: CellReader = {
  what: "true or false",
  value: (cell) => (typeof cell === "boolean" ? cell : undefined),
};

const textReader: CellReader = { what: "a text", value: (cell) => (typeof cell === "string" ? cell : undefined) };

const hexReader: CellReader = {
  what: "bytes in hex",
  value: (cell) => {
    if (cell instanceof Uint8Array) return cell;
    return typeof cell === "string" && /^([0-9a-f]{2})*$/i.test(cell) ? Buffer.from(cell, "hex") : undefined;
  },
};

const daySeconds = 86_400n;

const dateReader: CellReader = {
  what: 'a date such as "2026-11-21"',
  value: (cell) => {
    const seconds = typeof cell === "string" && cell.length === 10 ? timeOf(cell, 1n) : undefined;
    return seconds === undefined ? undefined : Number(seconds / daySeconds);
  },
};

function timestampReader(perSecond: bigint): CellReader {
  return {
    what: 'a time such as "2026-11-21T09:30:00.25Z"',
    value: (cell) => (typeof cell === "bigint" ? cell : typeof cell === "string" ? timeOf(cell, perSecond) : undefined),
  };
}

function clockReader(perSecond: bigint): CellReader {
  const narrow = perSecond < 1_000_000n;
  return {
    what: 'a time of day such as "09:30:00.25"',
    value: (cell) => {
      const units = typeof cell === "string" ? timeOf(`1970-01-01T${cell}`, perSecond) : wholeNumber(cell);
      return units !== undefined && narrow ? Number(units) : units;
    },
  };
}

function decimalReader(precision: number, scale: number): CellReader {
  return {
    what: `a number of ${precision} digits, ${scale} of them decimals`,
    value: (cell) => {
      if (typeof cell !== "number" && typeof cell !== "string") return undefined;
      const found = /^(-?)(\d+)(?:\.(\d+))?$/.exec(String(cell));
      const decimals = found?.[3] ?? "";
      if (found === null || decimals.length > scale) return undefined;
      const digits = (found[2]! + decimals.padEnd(scale, "0")).replace(/^0+(?=\d)/, "");
      return digits.length > precision ? undefined : BigInt(found[1]! + digits);
    },
  };
}

function wholeNumber(cell: unknown): bigint | undefined {
  return typeof cell === "bigint" || Number.isSafeInteger(cell) ? BigInt(cell as bigint | number) : undefined;
}

const timeText = /^([+-]?\d{4,6}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?$/i;

/** A time as text in units since 1970; without a zone it is UTC. Undefined when it is none, has more decimals than units, or is beyond 64 bits of them. */
function timeOf(text: string, perSecond: bigint): bigint | undefined {
  const [, day, clock = "00:00:00", decimals = "", zone = "Z"] = timeText.exec(text) ?? [];
  const ms = day === undefined ? Number.NaN : Date.parse(`${day}T${clock}${zone.toUpperCase()}`);
  const nanoseconds = BigInt(decimals.padEnd(9, "0"));
  const perUnit = 1_000_000_000n / perSecond;
  if (Number.isNaN(ms) || !isCalendarDay(day!) || nanoseconds % perUnit !== 0n) return undefined;
  const units = BigInt(ms / 1000) * perSecond + nanoseconds / perUnit;
  return BigInt.asIntN(64, units) === units ? units : undefined;
}

/** Whether a month has such a day: a `Date` takes February 30 for a day of March. */
function isCalendarDay(day: string): boolean {
  return new Date(`${day}T00:00:00Z`).getUTCDate() === Number(day.slice(-2));
}

/** Units of an Arrow time per second: its units are 10^0, 10^3, 10^6, 10^9 in this order. */
function unitsPerSecond(unit: Arrow.TimeUnit): bigint {
  return 1000n ** BigInt(unit);
}

function asBytes(text: unknown): Uint8Array | undefined {
  return typeof text === "string" ? new TextEncoder().encode(text) : undefined;
}

interface Nulls {
  readonly nullCount: number;
  readonly nullBitmap: Uint8Array;
}

function nullsOf(values: readonly unknown[]): Nulls {
  const isThere = values.map((value) => value !== null);
  return { nullCount: isThere.filter((there) => !there).length, nullBitmap: bitmap(isThere) };
}

/** One bit per value, the first the lowest, in whole 64-bit words. */
function bitmap(values: readonly boolean[]): Uint8Array {
  const bits = new Uint8Array(Math.ceil(values.length / 64) * 8);
  for (const [index, value] of values.entries()) if (value) bits[index >> 3]! |= 1 << (index & 7);
  return bits;
}

function offsetsOf(lengths: readonly number[]): Int32Array {
  const offsets = new Int32Array(lengths.length + 1);
  for (const [index, length] of lengths.entries()) offsets[index + 1] = offsets[index]! + length;
  return offsets;
}

/** A 128-bit two's complement integer as four little-endian words. */
function wordsOf(value: bigint): number[] {
  return [0n, 32n, 64n, 96n].map((shift) => Number((value >> shift) & 0xffff_ffffn));
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  const text = typeof value === "bigint" ? String(value) : (JSON.stringify(value) ?? "nothing");
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
