import { stat } from "node:fs/promises";
import { checkQuery, type QueryOptions, runQuery } from "@sferic/bindings/query";
import { quoted } from "@sferic/bindings/relational";
import {
  type Bounds,
  column,
  ConfigError,
  defineSource,
  type Epoch,
  isKind,
  missingInputField,
  type Offset,
  type OperatorContext,
  OperatorError,
  type PlanContext,
  type Row,
  rowsOf,
  Schema,
  type Source,
} from "@sferic/operator";
import { z } from "zod";

const config = z
  .strictObject({
    path: z.string().min(1).describe("Database file."),
    table: z.string().min(1).optional().describe("Table or view, `name` or `schema.name`; this or `query`."),
    query: z.string().min(1).optional().describe("One SELECT over the tables of the file; this or `table`."),
    onMissingInput: missingInputField,
    cursor: z
      .string()
      .optional()
      .describe(
        "Column of integers or times that only grows: each run reads the rows beyond the last value it saw, so rows that come later with that value, such as more of the same day, are not read. Without it the file is read once, whole.",
      ),
  })
  .refine(({ table, query }) => (table === undefined) !== (query === undefined), 'needs either "table" or "query"');

type Config = z.output<typeof config>;

/** The file as it was when its rows were promised: it must be the same when they are read. */
interface Snapshot {
  readonly size: number;
  /** Modification time in nanoseconds as decimal text. */
  readonly version: string;
}

/** The last value of the cursor column, as DuckDB's text. */
interface Position {
  readonly cursor: string;
}

/**
 * Rows of a DuckDB file. Without `cursor` a snapshot, in the order the rows were written: a file that changes between the
 * plan of an epoch and its reading ends the run with `source-changed`. With it, rows ordered by the cursor and then by
 * the other columns: rows must be added with cursors above those that are there, and rows that were read must not change;
 * rows of one cursor value are never parted, and rows whose cursor is null are not read, which a warning says.
 */
export const duckdb = defineSource({
  type: "duckdb",
  since: "0.1.0",
  status: "experimental",
  summary: "Read a table or query of a DuckDB database file.",
  config,
  bounds: ({ cursor }) => (cursor === undefined ? [] : ["rowsPerEpoch"]),
  errors: [
    "source-changed",
    "missing-input",
    "database-locked",
    "not-a-database",
    "cannot-open-database",
    "invalid-query",
    "expression-failed",
  ],
  examples: [
    { title: "A whole table", config: { path: "./lightning.duckdb", table: "flashes" } },
    {
      title: "New rows of a query",
      config: { path: "./lightning.duckdb", query: "SELECT * FROM flashes WHERE quality_flag = 0", cursor: "flash_id" },
    },
  ],
  positionFields: ["path", "table", "query", "cursor"],
  missing: async (c, context) => {
    const path = context.resolvePath(c.path);
    const { onMissingInput } = c;
    return (await snapshotOf(path)) === null
      ? { place: `database file ${path}`, pointer: "/path", onMissingInput }
      : null;
  },
  output: async (c, context) => ({ main: await planSchema(c, context) }),
  create: (c, context) => new DuckdbSource(c, context),
});

async function planSchema(c: Config, context: PlanContext): Promise<Schema | null> {
  if (!context.probe) return null;
  const path = context.resolvePath(c.path);
  if ((await snapshotOf(path)) === null) return null;
  const schema = schemaOf(path, c);
  if (c.cursor === undefined) return schema;
  const { type } = schema.requireOne(c.cursor, "any", "/cursor").column(c.cursor)!;
  if (isKind(type, "integer") || isKind(type, "time")) return schema;
  const message = `column "${c.cursor}" is ${type}, not an integer or a time`;
  throw new ConfigError([{ code: "column-type", message, pointer: "/cursor" }]);
}

/** Throws {@link ConfigError} for what is not one SELECT over the file's tables. */
function schemaOf(path: string, c: Config): Schema {
  const pointer = c.table === undefined ? "/query" : "/table";
  const { columns, problems } = checkQuery({}, c.query ?? `SELECT * FROM ${rowsSql(c)}`, pointer, { database: path });
  if (problems.length === 0) return new Schema(columns);
  if (c.query !== undefined) throw new ConfigError(problems);
  // Places count in the query above, which the configuration does not have.
  throw new ConfigError(problems.map(({ code, message }) => ({ code, message, pointer })));
}

/** What stands after FROM. */
function rowsSql({ table, query }: Config): string {
  // A line end ends a comment in the query.
  return table === undefined ? `(${query!.replace(/;\s*$/, "")}\n) AS rows` : table.split(".").map(quoted).join(".");
}

async function snapshotOf(path: string): Promise<Snapshot | null> {
  try {
    const { size, mtimeNs } = await stat(path, { bigint: true });
    return { size: Number(size), version: String(mtimeNs) };
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw thrown;
  }
}

const lastCursor = new Schema([column("last", "utf8", { nullable: true })]);
const rowCount = new Schema([column("rows", "int64", { nullable: true })]);

class DuckdbSource implements Source {
  readonly #config: Config;
  readonly #path: string;
  readonly #query: QueryOptions;
  readonly #warn: OperatorContext["warn"];
  #columns: Schema | undefined;
  #hasLookedForNulls = false;

  constructor(c: Config, context: OperatorContext) {
    this.#config = c;
    this.#path = context.resolvePath(c.path);
    this.#query = { database: this.#path, tempDirectory: context.tempDirectory };
    this.#columns = context.request?.schema;
    this.#warn = context.warn;
  }

  async latestOffset(previous: Offset | null, bounds: Bounds, until?: Offset): Promise<Offset | null> {
    const snapshot = await snapshotOf(this.#path);
    if (snapshot === null) throw missing(this.#path);
    if (this.#config.cursor !== undefined) return this.#latestCursor(this.#config.cursor, previous, bounds, until);
    return previous === null ? ((until ?? snapshot) as Offset) : null;
  }

  /** The cursor of the last row within the bounds; rows that share it come along, however many. */
  async #latestCursor(cursor: string, previous: Offset | null, bounds: Bounds, until?: Offset): Promise<Offset | null> {
    await this.#warnOfNulls(cursor);
    const name = quoted(cursor);
    const most = bounds.rowsPerEpoch === undefined ? "" : ` ORDER BY ${name} LIMIT ${bounds.rowsPerEpoch}`;
    const next = `SELECT ${name} FROM ${rowsSql(this.#config)} WHERE ${between(name, previous, until)}${most}`;
    const sql = `SELECT max(${name})::VARCHAR AS last FROM (${next}\n)`;
    const { last } = await this.#one(sql, lastCursor);
    return typeof last === "string" ? { cursor: last } : null;
  }

  /** Says once how many rows never come. */
  async #warnOfNulls(cursor: string): Promise<void> {
    if (this.#hasLookedForNulls) return;
    this.#hasLookedForNulls = true;
    const sql = `SELECT count(*) AS rows FROM ${rowsSql(this.#config)} WHERE ${quoted(cursor)} IS NULL`;
    const rows = Number((await this.#one(sql, rowCount))["rows"]);
    if (rows === 0) return;
    const message = `${rows} rows in ${this.#path} have no "${cursor}" and are not read: they are neither before nor after others. Give them one, or read without a cursor.`;
    this.#warn?.("null-cursor", message);
  }

  /** The only row of a query. */
  async #one(sql: string, columns: Schema): Promise<Row> {
    const answers = await Array.fromAsync(runQuery({}, sql, columns, this.#query));
    const [row = {}] = answers.flatMap((answer) => rowsOf(answer));
    for (const answer of answers) answer.close();
    return row;
  }

  async *read(start: Offset | null, end: Offset, { signal }: Epoch): ReturnType<Source["read"]> {
    const { cursor } = this.#config;
    if (cursor === undefined) await this.#requireUnchanged(end as unknown as Snapshot);
    this.#columns ??= schemaOf(this.#path, this.#config);
    const others = this.#columns.names.filter((name) => name !== cursor);
    const from = `SELECT * FROM ${rowsSql(this.#config)}`;
    const sql =
      cursor === undefined
        ? from
        : `${from} WHERE ${between(quoted(cursor), start, end)} ORDER BY ${[cursor, ...others].map(quoted).join(", ")}`;
    yield* runQuery({}, sql, this.#columns, { signal, ...this.#query });
  }

  async #requireUnchanged({ size, version }: Snapshot): Promise<void> {
    const now = await snapshotOf(this.#path);
    if (now?.size === size && now.version === version) return;
    const message = `${this.#path} ${now === null ? "is gone" : "has changed"} since it was planned to be read. Put the planned file back, or reset the checkpoint.`;
    throw new OperatorError({ code: "source-changed", message, domain: "external", details: { path: this.#path } });
  }
}

/** The condition for rows after `start` up to `end`; a text literal takes the type of the column it is compared with. */
function between(name: string, start: Offset | null, end?: Offset): string {
  const literal = (offset: Offset): string => `'${(offset as unknown as Position).cursor}'`;
  return [
    `${name} IS NOT NULL`,
    ...(start === null ? [] : [`${name} > ${literal(start)}`]),
    ...(end === undefined ? [] : [`${name} <= ${literal(end)}`]),
  ].join(" AND ");
}

function missing(path: string): OperatorError {
  const message = `There is no database file ${path}. Check the path, or make the file first.`;
  return new OperatorError({ code: "missing-input", message, domain: "external", details: { path } });
}
