import {
  type Batch,
  type Column,
  column,
  type Condition,
  type ConfigProblem,
  nearest,
  Schema,
  type TempDirectory,
} from "@sferic/operator";
import { fromHandle, handleOf, toColumn, toNativeColumns } from "./batch.ts";
import { cancellable } from "./cancel.ts";
import { useDuckdb } from "./duckdb.ts";
import { spillParent } from "./temporary.ts";
import { unwrapped, unwrapping } from "./errors.ts";
import * as native from "./native.ts";
import { remembered } from "./remembered.ts";

/** An SQL expression in a configuration, with its place. */
export interface ExpressionAt {
  readonly expression: string;
  /** Pointer relative to the operator. */
  readonly pointer: string;
  /** Type it must have. */
  readonly type?: "bool";
}

/** What expressions over a schema are: a column each, or problems. */
export interface CheckedExpressions {
  /** Type and nullability per expression, in order; meaningful only without problems. The names are empty. */
  readonly columns: readonly Column[];
  readonly problems: readonly ConfigProblem[];
}

// Planning asks the same again, for each port and each command.
const nativeExpressions = remembered(native.checkExpressions);
const nativeMeasures = remembered(native.checkMeasures);
const nativeExpressionColumns = remembered(native.expressionColumns);
const nativeRowConditions = remembered(native.rowConditions);

/** Types SQL expressions against a schema, without data. About 0.2 ms each. */
export function checkExpressions(schema: Schema, expressions: readonly ExpressionAt[]): CheckedExpressions {
  useDuckdb();
  return told(schema, expressions, nativeExpressions);
}

/**
 * As {@link checkExpressions}, for expressions over the rows that are equal in `groupBy`, such as `sum(x) / count(*)`. Sums
 * of integers are int64; with `wideSums` they are decimal128(38, 0).
 */
export function checkMeasures(
  schema: Schema,
  groupBy: readonly string[],
  measures: readonly ExpressionAt[],
  wideSums = false,
): CheckedExpressions {
  useDuckdb();
  return told(schema, measures, (columns, texts) => nativeMeasures(columns, [...groupBy], texts, wideSums));
}

/**
 * Names of the columns that expressions over a row, or over a group of rows, use, in the order of the schema. Throws
 * `invalid-expression`.
 */
export function expressionColumns(
  schema: Schema,
  expressions: readonly string[],
  over: "row" | "group" = "row",
): string[] {
  useDuckdb();
  const isGroup = over === "group";
  return [...unwrapping(() => nativeExpressionColumns(toNativeColumns(schema), [...expressions], isGroup))];
}

/**
 * Conditions on single columns that hold for every row for which `where` is true, as far as they are understood:
 * comparisons with literals, BETWEEN, IN, IS NULL and IS NOT NULL, joined by AND.
 */
export function rowConditions(schema: Schema, where: string): Condition[] {
  useDuckdb();
  const conditions = unwrapping(() => nativeRowConditions(toNativeColumns(schema), where));
  return conditions.map(({ column, comparison, values }) => ({ column, comparison, values }));
}

type Check = (columns: native.NativeColumn[], expressions: string[]) => native.NativeChecked[];

function told(schema: Schema, expressions: readonly ExpressionAt[], check: Check): CheckedExpressions {
  const columns: Column[] = [];
  const problems: ConfigProblem[] = [];
  const texts = expressions.map(({ expression }) => expression);
  unwrapping(() => check(toNativeColumns(schema), texts)).forEach(({ column, issue }, index) => {
    const { pointer, type, expression } = expressions[index]!;
    if (issue !== undefined && issue !== null) problems.push(...problemsOf(issue, expressions[index]!, schema, check));
    else columns.push(toColumn(column!));
    if (column && type !== undefined && column.type !== type) {
      const message = `"${expression}" is ${column.type}; a condition that is true or false is needed here`;
      problems.push({ code: "expression-type", message, pointer, offset: 0, length: expression.length });
    }
  });
  return { columns, problems };
}

/** Most columns of one expression that are told to be missing. */
const unknownColumnsMax = 10;

/** The problem, and those behind it: the check tells of one missing column at a time. */
function problemsOf(
  first: native.NativeExpressionIssue,
  at: ExpressionAt,
  schema: Schema,
  check: Check,
): ConfigProblem[] {
  const problems = [problemOf(first, at, schema)];
  let { identifier } = first;
  let supposed = schema;
  while (identifier && supposed.column(identifier) === undefined && problems.length < unknownColumnsMax) {
    supposed = supposed.append(column(identifier, "float64", { nullable: true }));
    const [next] = unwrapping(() => check(toNativeColumns(supposed), [at.expression]));
    identifier = next!.issue?.identifier;
    // Any other issue may come from the type that was supposed.
    if (identifier) problems.push(problemOf(next!.issue!, at, schema));
  }
  return problems;
}

function problemOf(
  issue: native.NativeExpressionIssue,
  { expression, pointer }: ExpressionAt,
  schema: Schema,
): ConfigProblem {
  const near = issue.identifier ? nearest(issue.identifier, schema.names) : undefined;
  const type = missingType(issue);
  const hint =
    near ?? (type && nearest(type, commonTypes)) ?? nearestFunction(issue, expression) ?? issue.candidates[0];
  return {
    code: codeOf(issue),
    message: issue.message,
    pointer,
    ...(issue.position === undefined || issue.position === null ? {} : { offset: issue.position }),
    ...lengthOf(issue, expression),
    ...(hint === undefined ? {} : { hint }),
  };
}

function codeOf({ identifier, mixesUnits, isTooCostly }: native.NativeExpressionIssue): string {
  if (identifier) return "unknown-column";
  if (isTooCostly) return "expression-too-costly";
  return mixesUnits ? "unit-mismatch" : "invalid-expression";
}

/** A column as it is written, or the name of a function or type; to the end for what is none of these. */
function lengthOf(issue: native.NativeExpressionIssue, expression: string): { length?: number } {
  const { identifier, position } = issue;
  if (identifier) return { length: written(identifier, expression, position ?? 0).length };
  const called = missingType(issue) ?? calledAt(expression, position ?? 0);
  return called === undefined ? {} : { length: called.length };
}

function calledAt(expression: string, position: number): string | undefined {
  return /^\w+(?=\s*\()/.exec(expression.slice(position))?.[0];
}

/** The name of a type that DuckDB does not know. */
function missingType({ message }: native.NativeExpressionIssue): string | undefined {
  return /^Type with name (\w+) does not exist/.exec(message)?.[1];
}

/** Types under the names that people write. */
const commonTypes =
  "BIGINT BLOB BOOLEAN DATE DECIMAL DOUBLE FLOAT HUGEINT INTEGER INTERVAL REAL SMALLINT TIME TIMESTAMP TIMESTAMPTZ TINYINT UBIGINT UINTEGER USMALLINT UTINYINT VARCHAR".split(
    " ",
  );

/** Functions that people mean rather than rare ones that are spelt as near. */
const commonFunctions =
  "abs any_value avg bool_and bool_or ceil coalesce concat contains count date_diff date_part date_trunc day dayname exp first floor greatest hash hour if ifnull isnan last least left length ln log log10 lower ltrim max median min minute mod mode month monthname now nullif pow power quantile_cont quarter regexp_matches regexp_replace replace right round rtrim second sign sqrt stddev strftime strptime substring sum time_bucket to_milliseconds to_minutes to_seconds trim trunc upper var_pop variance week year".split(
    " ",
  );

function nearestFunction(
  { identifier, position, candidates }: native.NativeExpressionIssue,
  expression: string,
): string | undefined {
  const called = identifier ? undefined : calledAt(expression, position ?? 0);
  // Without candidates the function is there, and something else is wrong with the call.
  if (called === undefined || candidates.length === 0) return undefined;
  return commonFunctions.includes(called.toLowerCase()) ? undefined : nearest(called, commonFunctions);
}

/** A name as it stands at the position of an expression: in quotes or without. */
function written(name: string, expression: string, position: number): string {
  return expression[position] === '"' ? quoted(name) : name;
}

/** A filter and a list of expressions, prepared once per input schema. Keeps the order of rows. */
export class Projection {
  readonly #columns: readonly (readonly [name: string, expression: string])[] | null;
  readonly #filter: string | null;
  readonly #prepared = new Map<string, native.NativeProjection>();

  /** `columns` null keeps all columns. */
  constructor(columns: Readonly<Record<string, string>> | null, filter: string | null) {
    this.#columns = columns === null ? null : Object.entries(columns);
    this.#filter = filter;
  }

  /** The rows for which the filter is true, with the columns. Closes its input. Throws `expression-failed`. */
  async apply(batch: Batch, signal?: AbortSignal): Promise<Batch> {
    try {
      const projection = this.#for(batch.schema);
      const plain = unwrapping(() => projection.applyPlain(handleOf(batch)));
      if (plain !== null && plain !== undefined) return fromHandle(plain);
      return fromHandle(await cancellable(signal, (token) => projection.apply(handleOf(batch), token)));
    } finally {
      batch.close();
    }
  }

  #for(schema: Schema): native.NativeProjection {
    const key = JSON.stringify(schema.columns);
    const prepared = this.#prepared.get(key);
    if (prepared !== undefined) return prepared;
    useDuckdb();
    const columns = this.#columns ?? schema.names.map((name) => [name, quoted(name)] as const);
    const [names, expressions] = [columns.map(([name]) => name), columns.map(([, expression]) => expression)];
    const made = unwrapping(() =>
      native.prepareProjection(toNativeColumns(schema), names, expressions, this.#filter ?? undefined),
    );
    this.#prepared.set(key, made);
    return made;
  }
}

/**
 * `rows` rows of a counter from `start` on: the column `index` (int64), and for each of `random` a column of that name
 * with float64 numbers from 0 (included) to 1 (excluded), which depend on the seed, the stream and the index alone.
 */
export async function counterRows(
  start: number,
  rows: number,
  seed: number,
  random: readonly { readonly name: string; readonly stream: number }[],
): Promise<Batch> {
  return fromHandle(await unwrapped(native.counterRows(start, rows, seed, [...random])));
}

/** A name as an SQL identifier. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Where and how an epoch's rows go into a table of a DuckDB file. */
export interface TableWrite {
  /** Path of the database file. */
  readonly database: string;
  /** `table` or `schema.table`. */
  readonly table: string;
  readonly mode: "append" | "replace";
  /** Parquet file that holds the rows. */
  readonly parquet: string;
  /** Names the write: a second one with the same name changes nothing. */
  readonly ledger: { readonly pipeline: string; readonly sink: string; readonly epoch: number };
  /** Folder below which it spills, as for queries. */
  readonly tempDirectory?: TempDirectory | undefined;
}

/**
 * Puts the rows of a Parquet file into a table in one transaction together with a ledger row; does nothing when the
 * ledger already has the epoch. Throws `database-locked`, `schema-mismatch`, `not-a-database`, `disk-full`.
 */
export async function writeTable(write: TableWrite): Promise<{ rows: number; alreadyWritten: boolean }> {
  useDuckdb();
  const { ledger, tempDirectory, ...rest } = write;
  return unwrapped(native.writeTable({ ...rest, ...ledger, tempDirectory: spillParent(tempDirectory) }));
}

/** Result of an SQL query on a DuckDB file (`:memory:` for none), for tests and previews. */
export async function queryDatabase(database: string, sql: string): Promise<Batch> {
  useDuckdb();
  return fromHandle(await unwrapped(native.queryDatabase(database, sql)));
}

/** Version of the DuckDB library, such as `v1.5.5`. */
export function duckdbVersion(): string {
  useDuckdb();
  return native.duckdbVersion();
}
