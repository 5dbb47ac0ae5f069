import type { Batch } from "./batch.ts";
import type { Json } from "./epoch.ts";

/**
 * A row for people and for JSON: times as RFC 3339, integers beyond 2^53 and decimals of more than 15 digits as text, NaN
 * and infinities as text, binary as hex.
 */
export type Row = Readonly<Record<string, Json>>;

/**
 * The rows of a batch from `start`, at most `count`, as objects. For looking at few rows; makes JavaScript values of
 * every cell. Leaves the batch open.
 */
export function rowsOf(batch: Batch, count = Number.POSITIVE_INFINITY, start = 0): Row[] {
  const end = Math.min(batch.rowCount, start + count);
  if (end <= start) return [];
  const table = batch.toArrow();
  const cells = batch.schema.columns.map(({ name, type }) => {
    const unit = /^timestamp\[(s|ms|us|ns)/.exec(type)?.[1];
    const suffix = type.includes(", ") ? "Z" : "";
    if (unit !== undefined) return timeReader(batch, name, unit as keyof typeof perSecond, suffix);
    const vector = table.getChild(name)!;
    const scale = /^decimal\d+\(\d+, (\d+)\)$/.exec(type)?.[1];
    if (scale !== undefined)
      return (index: number): Json => decimalToJson(vector.get(index) as Uint32Array | null, Number(scale));
    return (index: number): Json => toJson(vector.get(index), type);
  });
  const names = batch.schema.names;
  return Array.from({ length: end - start }, (_, index) =>
    Object.fromEntries(names.map((name, column) => [name, cells[column]!(start + index)])),
  );
}

const perSecond = { s: 1n, ms: 1000n, us: 1_000_000n, ns: 1_000_000_000n } as const;

function timeReader(batch: Batch, name: string, unit: keyof typeof perSecond, suffix: string): (index: number) => Json {
  const { values, validity } = batch.column(name);
  return (index) => (validity?.[index] === 0 ? null : timeText(values[index] as bigint, perSecond[unit], suffix));
}

/** RFC 3339 with as many groups of three decimals as the value needs; the bare number beyond the years of a Date. */
function timeText(value: bigint, unitsPerSecond: bigint, suffix: string): string {
  const fraction = ((value % unitsPerSecond) + unitsPerSecond) % unitsPerSecond;
  const date = new Date(Number((value - fraction) / unitsPerSecond) * 1000);
  if (Number.isNaN(date.getTime())) return String(value);
  const whole = date.toISOString().slice(0, -5);
  const digits = String(fraction).padStart(String(unitsPerSecond).length - 1, "0");
  const trimmed = digits.replace(/(000)+$/, "");
  return `${whole}${fraction === 0n ? "" : `.${trimmed}`}${suffix}`;
}

function toJson(value: unknown, type: string): Json {
  if (value === null || value === undefined) return null;
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value === "number") return Number.isFinite(value) ? dateOr(value, type) : String(value);
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (value instanceof Date) return value.toISOString().slice(0, 10);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (typeof value === "object" && "toJSON" in value) return toJson((value as { toJSON(): unknown }).toJSON(), type);
  if (Array.isArray(value)) return value.map((item) => toJson(item, ""));
  return Object.fromEntries(Object.entries(value as object).map(([key, inner]) => [key, toJson(inner, "")]));
}

/** A decimal from its little-endian words. */
function decimalToJson(words: Uint32Array | null, scale: number): Json {
  if (words === null) return null;
  const bits = words.reduce((sum, word, index) => sum | (BigInt(word) << BigInt(32 * index)), 0n);
  const value = BigInt.asIntN(32 * words.length, bits);
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  const text = `${value < 0n ? "-" : ""}${whole}${scale > 0 ? `.${digits.slice(-scale)}` : ""}`;
  return digits.length > 15 ? text : Number(text);
}

function dateOr(value: number, type: string): Json {
  return type.startsWith("date") ? new Date(value).toISOString().slice(0, 10) : value;
}
