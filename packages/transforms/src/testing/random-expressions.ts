/**
 * Expressions drawn at random over the columns a, b (int) and s, t (text), in the SQL that DuckDB and SQLite share: the
 * same text must mean the same to both. Left out is what they mean differently:
 *
 * - division, which SQLite does in integers, and the rest of a division by zero;
 * - floats, whose sums depend on the order of rows, and NaN, which SQLite cannot hold;
 * - `upper` and `lower`, which SQLite does for ASCII only;
 * - LIKE without `PRAGMA case_sensitive_like`, which `sqlite` sets;
 * - `substr` from position 0 or from the end;
 * - `greatest` and `least`, which pass over nulls, and SQLite's `max` and `min` of several values, which do not;
 * - conversions of text to numbers, which SQLite makes of any text; and comparisons of numbers with text;
 * - integers beyond 32 bits, which SQLite has without asking.
 */
type Draw = (random: () => number, depth?: number) => string;

/** Operators within operators; the deepest product of numbers below ten stays below 2^31. */
const depthMax = 3;

/** An expression whose value is a whole number. */
export const randomNumber: Draw = (random, depth = depthMax) => {
  const of = (draw: Draw): string => draw(random, depth - 1);
  const leaves = [() => "a", () => "b", () => literal(random)];
  const branches = [
    () => `(${of(randomNumber)} + ${of(randomNumber)})`,
    () => `(${of(randomNumber)} - ${of(randomNumber)})`,
    () => `(${of(randomNumber)} * ${of(randomNumber)})`,
    () => `(${of(randomNumber)} % ${1 + Math.floor(random() * 9)})`,
    () => `(- ${of(randomNumber)})`,
    () => `abs(${of(randomNumber)})`,
    () => `length(${of(randomText)})`,
    () => `instr(${of(randomText)}, ${of(randomText)})`,
    () => `coalesce(${of(randomNumber)}, ${of(randomNumber)})`,
    () => `nullif(${of(randomNumber)}, ${of(randomNumber)})`,
    () => `CASE WHEN ${of(randomCondition)} THEN ${of(randomNumber)} ELSE ${of(randomNumber)} END`,
    () => `CASE WHEN ${of(randomCondition)} THEN ${of(randomNumber)} END`,
    () => `CASE ${of(randomNumber)} WHEN ${of(randomNumber)} THEN ${of(randomNumber)} ELSE ${of(randomNumber)} END`,
    () => `CAST(${of(randomCondition)} AS INTEGER)`,
  ];
  return one(random, depth === 0 ? leaves : [...leaves, ...branches])();
};

/** An expression whose value is a text. */
export const randomText: Draw = (random, depth = depthMax) => {
  const of = (draw: Draw): string => draw(random, depth - 1);
  const leaves = [() => "s", () => "t", () => one(random, texts)];
  const branches = [
    () => `(${of(randomText)} || ${of(randomText)})`,
    () => `substr(${of(randomText)}, ${1 + Math.floor(random() * 3)}, ${Math.floor(random() * 4)})`,
    () => `replace(${of(randomText)}, ${one(random, ["'a'", "'ä'", "'b'"])}, ${one(random, texts)})`,
    () => `trim(${of(randomText)})`,
    () => `coalesce(${of(randomText)}, ${of(randomText)})`,
    () => `nullif(${of(randomText)}, ${of(randomText)})`,
    () => `CASE WHEN ${of(randomCondition)} THEN ${of(randomText)} ELSE ${of(randomText)} END`,
    () => `CASE ${of(randomText)} WHEN ${of(randomText)} THEN ${of(randomText)} END`,
    () => `CAST(${of(randomNumber)} AS VARCHAR)`,
  ];
  return one(random, depth === 0 ? leaves : [...leaves, ...branches])();
};

/** An expression that is true, false or null. */
export const randomCondition: Draw = (random, depth = depthMax) => {
  const of = (draw: Draw): string => draw(random, Math.max(0, depth - 1));
  const compared = (draw: Draw): string => `(${of(draw)} ${one(random, comparisons)} ${of(draw)})`;
  const listed = (draw: Draw): string => `${of(draw)}, ${of(draw)}${one(random, ["", ", NULL"])}`;
  const leaves = [
    () => compared(randomNumber),
    () => compared(randomText),
    () => `(${of(randomNumber)} IS NULL)`,
    () => `(${of(randomText)} IS NOT NULL)`,
    () => `(${of(randomNumber)} ${one(random, ["IN", "NOT IN"])} (${listed(randomNumber)}))`,
    () => `(${of(randomText)} ${one(random, ["IN", "NOT IN"])} (${listed(randomText)}))`,
    () => `(${of(randomNumber)} ${one(random, ["", "NOT "])}BETWEEN ${of(randomNumber)} AND ${of(randomNumber)})`,
    () => `(${of(randomText)} ${one(random, ["", "NOT "])}LIKE ${one(random, patterns)})`,
  ];
  const branches = [
    () => `(${of(randomCondition)} AND ${of(randomCondition)})`,
    () => `(${of(randomCondition)} OR ${of(randomCondition)})`,
    () => `(NOT ${of(randomCondition)})`,
    () => `coalesce(${of(randomCondition)}, ${one(random, ["true", "false"])})`,
  ];
  return one(random, depth === 0 ? leaves : [...leaves, ...branches])();
};

/** A measure of a group of rows. */
export const randomMeasure: Draw = (random) => {
  const measures = [
    () => "count(*)",
    () => `count(${randomNumber(random, 2)})`,
    () => `count(DISTINCT ${randomText(random, 2)})`,
    () => `CAST(sum(${randomNumber(random, 2)}) AS BIGINT)`,
    () => `min(${randomText(random, 2)})`,
    () => `max(${randomNumber(random, 2)})`,
    () => `CAST(sum(${randomNumber(random, 1)}) - max(${randomNumber(random, 1)}) AS BIGINT)`,
    () => `count(*) FILTER (WHERE ${randomCondition(random, 2)})`,
    () => `CAST(sum(${randomNumber(random, 2)}) FILTER (WHERE ${randomCondition(random, 2)}) AS BIGINT)`,
  ];
  return one(random, measures)();
};

const texts = ["''", "'a'", "'A'", "'ä'", "'b''\"'", "' ab '"];
const patterns = ["'a%'", "'%b%'", "'_'", "'%'", "''", "'Ä%'", "'%''%'"];
const comparisons = ["=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"];

function literal(random: () => number): string {
  return String(Math.floor(random() * 10));
}

function one<T>(random: () => number, choices: readonly T[]): T {
  return choices[Math.floor(random() * choices.length)]!;
}
