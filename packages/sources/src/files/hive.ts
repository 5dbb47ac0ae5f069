import { type Column, column, type Condition, OperatorError } from "@sferic/operator";

/** Values of one file's partition columns: text of the column's type, or null. */
export type PartitionValues = Readonly<Record<string, string | null>>;

/** How Hive writes the value of a partition whose column is null. */
const nullName = "__HIVE_DEFAULT_PARTITION__";

const wildcard = /[*?[{]/;

/**
 * The folders named `key=value` on the way to a file: those of the URL before its first pattern, then those of the
 * file's key below it. Names and values may be percent-encoded.
 */
export function partitionValues(url: string, key: string): PartitionValues {
  const written = url.split("/");
  const firstWild = written.findIndex((part) => wildcard.test(part));
  const fixed = firstWild === -1 ? written : written.slice(0, firstWild);
  const folders = [...fixed, ...(key === "" ? [] : key.split("/"))].slice(0, -1);
  const pairs = folders.flatMap((folder) => {
    const found = /^([^=]+)=(.*)$/s.exec(folder);
    return found === null ? [] : [[unescaped(found[1]!), valueOf(found[2]!)] as const];
  });
  return Object.fromEntries(pairs);
}

function valueOf(text: string): string | null {
  return text === nullName || text === "" ? null : unescaped(text);
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Partition columns of the files, in the order in which they first appear: int64 when all values are integers, date32
 * when all are dates (`2018-07-02`), and else utf8. Numbers of months, days and hours may have a leading zero or not: 7 and 07
 * are one value. Where values have more than two digits, a leading zero makes them codes, which are text: 007, or 07 beside 123.
 */
export function partitionColumns(files: readonly PartitionValues[]): Column[] {
  const values = new Map<string, string[]>();
  for (const file of files) {
    for (const [name, value] of Object.entries(file)) {
      const known = values.get(name) ?? [];
      values.set(name, known);
      if (value !== null) known.push(value);
    }
  }
  return [...values].map(([name, texts]) => column(name, typeOf(texts), { nullable: true }));
}

function typeOf(texts: readonly string[]): string {
  if (texts.length === 0) return "utf8";
  if (texts.every(isInteger)) return areCodes(texts) ? "utf8" : "int64";
  return texts.every(isDate) ? "date32" : "utf8";
}

function isInteger(text: string): boolean {
  return /^-?\d{1,18}$/.test(text);
}

function areCodes(texts: readonly string[]): boolean {
  return texts.some((text) => /^-?0\d/.test(text)) && texts.some((text) => /\d{3}/.test(text));
}

function isDate(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

/**
 * Whether a file may hold a row of the days from `first` to `last` (`YYYY-MM-DD`, both included), by its partitions
 * `year`, `month` and `day`, as far as it has them, or `date`. Throws `partition-missing` when it has none of them.
 */
export function isInRange(values: PartitionValues, [first, last]: readonly [string, string], place: string): boolean {
  const { year, month, day, date } = values;
  if (date != null) return first <= date && date <= last;
  if (year == null) {
    const message = `${place} has no partition "year" or "date", so it is not known whether it belongs to the range; leave "range" out, or read folders such as year=2018/month=07/`;
    throw new OperatorError({ code: "partition-missing", message });
  }
  const parts = [year.padStart(4, "0"), ...(month == null ? [] : [month.padStart(2, "0")])];
  if (month != null && day != null) parts.push(day.padStart(2, "0"));
  const known = parts.join("-");
  return first.slice(0, known.length) <= known && known <= last.slice(0, known.length);
}

/** Whether rows with these values of the partition columns may fulfil all conditions; true when in doubt. */
export function mayHold(
  values: PartitionValues,
  columns: readonly Column[],
  conditions: readonly Condition[],
): boolean {
  return conditions.every((condition) => {
    const type = columns.find(({ name }) => name === condition.column)?.type;
    if (type === undefined) return true;
    const value = values[condition.column] ?? null;
    if (value === null) return condition.comparison === "is-null";
    if (condition.comparison === "is-null") return false;
    return condition.comparison === "is-not-null" || condition.values.some((literal) => agrees(value, literal));
    function agrees(text: string, literal: string): boolean {
      const order = compared(type!, text, literal);
      return order === null || isAllowed(order, condition.comparison);
    }
  });
}

/** Below, at or above zero as the value is to the literal; null when that is not clear. */
function compared(type: string, value: string, literal: string): number | null {
  if (type === "utf8") return Buffer.compare(Buffer.from(value), Buffer.from(literal));
  if (type === "int64") {
    if (!/^-?\d{1,18}$/.test(literal)) return null;
    return Math.sign(Number(BigInt(value) - BigInt(literal)));
  }
  const days = [value, literal].map((text) => Date.parse(`${text}T00:00:00Z`));
  return days.some(Number.isNaN) ? null : Math.sign(days[0]! - days[1]!);
}

function isAllowed(order: number, comparison: Condition["comparison"]): boolean {
  switch (comparison) {
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
    default:
      return order === 0;
  }
}
