import { type Batch, type Column, type ConfigProblem, nearest, Schema, type TempDirectory } from "@sferic/operator";
import { fromHandle, handleOf, toColumn, toNativeColumns } from "./batch.ts";
import { unwrapped, unwrapping } from "./errors.ts";
import * as native from "./native.ts";
import { useDuckdb } from "./duckdb.ts";
import { remembered } from "./remembered.ts";
import { spillParent } from "./temporary.ts";

/** What a query is: its columns, or a problem. Every column is nullable, and none has a unit. */
export interface CheckedQuery {
  readonly columns: readonly Column[];
  readonly problems: readonly ConfigProblem[];
}

const nativeQuery = remembered((tables: native.NativeTable[], sql: string, wideSums: boolean) =>
  native.checkQuery(tables, sql, wideSums),
);
const nativeDependsOnOrder = remembered(native.queryDependsOnOrder);

/**
 * Types one SELECT over named tables, without data. A query that depends on the clock or on chance is a problem. About 1 ms.
 * `pointer` is where the configuration has the query; `database` is the path of a DuckDB file whose tables it can name too.
 * Sums of integers are int64; those of a file, and all with `wideSums`, are decimal128(38, 0).
 */
export function checkQuery(
  tables: Readonly<Record<string, Schema>>,
  sql: string,
  pointer: string,
  { database, wideSums = database !== undefined }: { database?: string; wideSums?: boolean | undefined } = {},
): CheckedQuery {
  useDuckdb();
  const named = Object.entries(tables).map(([name, schema]) => ({ name, columns: toNativeColumns(schema) }));
  const { columns, issue } = unwrapping(() =>
    // The tables of a file may change.
    database === undefined ? nativeQuery(named, sql, wideSums) : native.checkQuery(named, sql, wideSums, database),
  );
  if (issue === undefined || issue === null) return { columns: columns!.map(toColumn), problems: [] };
  return { columns: [], problems: [problemOf(issue, tables, pointer)] };
}

/** DuckDB names what it misses within its message. */
const missing = /^(?:Referenced column|Table with name) "?([^"\s]+)"? (?:not found|does not exist)/;

function problemOf(
  issue: native.NativeExpressionIssue,
  tables: Readonly<Record<string, Schema>>,
  pointer: string,
): ConfigProblem {
  const name = missing.exec(issue.message)?.[1];
  const known = Object.entries(tables).flatMap(([table, schema]) => [table, ...schema.names]);
  const hint = name === undefined ? issue.candidates[0] : nearest(name, known);
  return {
    code: issue.isTooCostly ? "expression-too-costly" : name === undefined ? "invalid-query" : "unknown-name",
    message: name === undefined ? issue.message : `there is no "${name}" here; the inputs have ${listed(tables)}`,
    pointer,
    ...(issue.position === undefined || issue.position === null ? {} : { offset: issue.position }),
    ...(name === undefined ? {} : { length: name.length }),
    ...(hint === undefined ? {} : { hint }),
  };
}

function listed(tables: Readonly<Record<string, Schema>>): string {
  const columns = Object.entries(tables).map(([table, { names }]) => `${table} (${names.slice(0, 12).join(", ")})`);
  return columns.join(", ") || "no rows";
}

/**
 * Whether the answer of a query, beyond its own order, depends on the order of its inputs' rows, as `first(x)`, ties of
 * `arg_max(x, y)` and LIMIT do; true for what is not understood. About 0.2 ms.
 */
export function queryDependsOnOrder(sql: string): boolean {
  useDuckdb();
  return unwrapping(() => nativeDependsOnOrder(sql));
}

/** A table of a query, whose rows come while it runs. */
export interface QueryInput {
  readonly schema: Schema;
  readonly rows: AsyncIterable<Batch>;
  /** Name of a further column, int64: the number of each row from 0. No other column may have it. */
  readonly rowNumber?: string;
  /** A guess of how many rows come: the query keeps the smaller side of a join in memory. Default 1,000,000. */
  readonly rowCountHint?: number;
}

export interface QueryOptions {
  readonly signal?: AbortSignal;
  /** Bytes that all queries with this limit and `tempDirectory` may hold together before they spill; 1 GiB. */
  readonly memoryBytesMax?: number | undefined;
  /** Folder below which they spill, in a private folder; `SFERIC_TEMP_DIR`, else the system's folder for temporary files. */
  readonly tempDirectory?: TempDirectory | undefined;
  /** Path of a DuckDB file whose tables the query can name too. Its rows come in the order they were written. */
  readonly database?: string;
  /** Whether it runs on one thread, for the same rows in the same order in every run; by default where rows hang on it. */
  readonly ordered?: boolean | undefined;
}

/**
 * The rows of one SELECT over named inputs, in batches of about 65,536 rows. Takes over its inputs and reads them as fast as
 * the query does; what it must keep goes to disk beyond the memory limit. The answer's columns get the names, zones, units
 * and nullability of `columns`, by position; their types must agree. An input of up to 65,536 rows is read by one thread in
 * its order; above that the order of rows, and so the last digits of a sum of floats, may differ from run to run. A query
 * whose answer hangs on the order of its inputs (`first(x)`, ties of `arg_max(x, y)`, LIMIT) runs on one thread, in their order.
 * Throws `invalid-expression`, `expression-failed`, `memory-limit`, `disk-full`, and what an input throws.
 */
export async function* runQuery(
  inputs: Readonly<Record<string, QueryInput>>,
  sql: string,
  columns: Schema,
  { signal, memoryBytesMax, tempDirectory, database, ordered }: QueryOptions = {},
): AsyncGenerator<Batch> {
  useDuckdb();
  signal?.throwIfAborted();
  const query = unwrapping(() =>
    native.startQuery(
      Object.entries(inputs).map(toNativeInput),
      sql,
      toNativeColumns(columns),
      memoryBytesMax,
      database,
      spillParent(tempDirectory),
      ordered,
    ),
  );
  const close = (): void => query.close();
  signal?.addEventListener("abort", close, { once: true });
  const feeds = Object.entries(inputs).map(([name, { rows }]) => new Feed(query, name, rows));
  const failed = Promise.race(feeds.map((feed) => feed.failure));
  try {
    for (;;) {
      const answer = await Promise.race([unwrapped(query.next()), failed]);
      if (answer === null || answer === undefined) return;
      yield fromHandle(answer);
    }
  } catch (thrown) {
    signal?.throwIfAborted();
    throw thrown;
  } finally {
    for (const feed of feeds) feed.stop();
    query.close();
    signal?.removeEventListener("abort", close);
  }
}

function toNativeInput([name, { schema, rowNumber, rowCountHint }]: [string, QueryInput]): native.NativeQueryInput {
  const columns = toNativeColumns(schema);
  return { name, columns, rowCountHint: rowCountHint ?? 1e6, ...(rowNumber === undefined ? {} : { rowNumber }) };
}

/** Hands the rows of one input to a query, as fast as it takes them. */
class Feed {
  /** Rejects with what the input throws; never resolves. */
  readonly failure: Promise<never>;
  readonly #query: native.NativeQuery;
  readonly #name: string;
  #stopped = false;

  constructor(query: native.NativeQuery, name: string, rows: AsyncIterable<Batch>) {
    this.#query = query;
    this.#name = name;
    this.failure = new Promise((_, reject) => this.#run(rows).catch(reject));
    // The query may have ended before; then nobody asks.
    this.failure.catch(() => {});
  }

  /** Takes no more from the input. A batch that is on its way is closed when it comes. */
  stop(): void {
    this.#stopped = true;
  }

  async #run(rows: AsyncIterable<Batch>): Promise<void> {
    for await (const batch of rows) {
      try {
        if (this.#stopped) return;
        await unwrapped(this.#query.push(this.#name, handleOf(batch)));
      } finally {
        batch.close();
      }
    }
    this.#query.end(this.#name);
  }
}
