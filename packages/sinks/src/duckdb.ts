import { link, open, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { createParquet } from "@sferic/bindings/formats";
import { queryDatabase, writeTable } from "@sferic/bindings/relational";
import {
  asOperatorError,
  type Batch,
  defineSink,
  type Epoch,
  type FileWriter,
  type OperatorContext,
  OperatorError,
  type OutputPast,
  type Published,
  type Row,
  rowsOf,
  type Sink,
  type Staged,
} from "@sferic/operator";
import { makeDirectory, remove, sizeOf, syncAncestors } from "@sferic/operator/durable-files";
import { z } from "zod";
import { onMissingOutputField } from "./on-missing-output.ts";
import { missing, ofAnother, olderCopy, outputConflict, OutputToken } from "./output-token.ts";
import { requireStaged, type StagedContent } from "./staged-file.ts";

const config = z.strictObject({
  path: z
    .string()
    .min(1)
    .describe(
      "Database file; created when missing. Several sinks may share one, and also a table that all of them append to.",
    ),
  table: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$/, "must be a table name, or schema.table")
    .describe(
      "Table, `name` or `schema.name`; created from the first rows when missing. Times with a zone are `TIMESTAMP WITH TIME ZONE`, but `TIMESTAMP_NS` in UTC where they are in nanoseconds.",
    ),
  onMissingOutput: onMissingOutputField,
  write: z
    .enum(["append", "replace"])
    .default("append")
    .describe("`append`: add the rows. `replace`: the table holds the rows of the newest epoch only."),
});

/**
 * Rows into a table of a DuckDB file. An epoch is staged as a Parquet file beside the checkpoint and goes into the table
 * in one transaction with its ledger row (table `sferic_ledger`).
 */
export const duckdb = defineSink({
  type: "duckdb",
  since: "0.1.0",
  status: "stable",
  summary: "Write rows into a table of a DuckDB database file.",
  delivery: {
    guarantee: "exactly-once",
    why: "the rows and a ledger row for the epoch are one transaction, so publishing again finds the ledger row",
  },
  config,
  outputModes: ({ write }) => (write === "replace" ? ["complete"] : []),
  errors: [
    "output-conflict",
    "output-missing",
    "database-locked",
    "not-a-database",
    "cannot-open-database",
    "schema-mismatch",
    "staged-missing",
    "disk-full",
    "permission-denied",
    "not-a-folder",
  ],
  examples: [{ title: "A table of flashes", config: { path: "./out/lightning.duckdb", table: "flashes" } }],
  outputs: ({ path, table, write }, context) => {
    const database = { path: context.resolvePath(path), sharedBy: "duckdb", pointer: "/path" };
    // DuckDB does not tell cases of letters in names.
    const part = (table.includes(".") ? table : `main.${table}`).toLowerCase();
    const isShared = write === "append";
    return [database, { path: database.path, part, pointer: "/table", ...(isShared ? { sharedBy: "append" } : {}) }];
  },
  create: (c, context) => new DuckdbSink(c, context),
});

class DuckdbSink implements Sink {
  readonly #config: z.output<typeof config>;
  readonly #context: OperatorContext;
  readonly #database: string;
  /** Absent where rows take the place of those that are there. */
  readonly #token: OutputToken | undefined;
  #past: OutputPast | undefined;
  /** Whether the ledger is known to be the one that this run follows. */
  #isFollowed = false;
  /** Whether the name of the database is known to survive a power failure. */
  #isDurable = false;
  /** Epoch that this process staged last, whose bytes need no second look. */
  #sealed: number | undefined;

  constructor(c: z.output<typeof config>, context: OperatorContext) {
    this.#config = c;
    this.#context = context;
    this.#database = context.resolvePath(c.path);
    const holdsRows = async (): Promise<boolean> => {
      const { hasRows, epochs } = await this.#ledger();
      return hasRows === true && epochs.size > 0;
    };
    const output = `${this.#database}.${c.table}`;
    const use = { output, isFolder: false, onMissing: c.onMissingOutput, holdsRows } as const;
    // Runs without a checkpoint add their rows, and say so.
    if (c.write === "append" && context.durable) this.#token = new OutputToken(use, context);
  }

  async open(past?: OutputPast): Promise<void> {
    this.#past = past;
    await checkDatabase(this.#database);
    await this.#requireFollowed().catch((thrown: unknown) => {
      // Whoever has it open may have closed it when there are rows.
      if (asOperatorError(thrown).code !== "database-locked") throw thrown;
    });
  }

  async stage(batches: AsyncIterable<Batch>, epoch: Epoch): Promise<Staged | null> {
    const path = this.#staged(epoch.id);
    let writer: FileWriter | undefined;
    try {
      for await (const batch of batches) {
        if (batch.rowCount > 0) {
          writer ??= await createParquet(path, batch.schema, { compression: "lz4" });
          await writer.write(batch);
        }
        batch.close();
      }
      if (writer === undefined) return null;
      const { rows, bytes, checksum } = await writer.finish();
      this.#sealed = epoch.id;
      return { rows, record: { bytes, checksum } };
    } catch (thrown) {
      writer?.abort();
      throw thrown;
    }
  }

  async publish({ record }: Staged, epoch: Epoch): Promise<Published> {
    const { table, write } = this.#config;
    const published = { files: [`${this.#database}#${table}`] };
    const parquet = this.#staged(epoch.id);
    await this.#requireFollowed();
    if (this.#sealed !== epoch.id) {
      if (await this.#isInLedger(epoch.id)) return published;
      await requireStaged(parquet, record as unknown as StagedContent);
    }
    await this.#createDatabase();
    await this.#token?.claim(epoch.id, record);
    const ledger = this.#ledgerKey(epoch.id);
    const { tempDirectory } = this.#context;
    const rows = { database: this.#database, table, mode: write, parquet, ledger, tempDirectory };
    await writeTable(rows).catch(deniedByFolder);
    return published;
  }

  #ledgerKey(epoch: number): { readonly pipeline: string; readonly sink: string; readonly epoch: number } {
    return { pipeline: this.#lineage, sink: this.#context.operatorId, epoch };
  }

  /** Whether an earlier run put the rows of an epoch into the database. */
  async #isInLedger(epoch: number): Promise<boolean> {
    if ((await sizeOf(this.#database)) === null) return false;
    const ledger = "SELECT 1 FROM duckdb_tables() WHERE table_name = 'sferic_ledger' AND schema_name = 'main'";
    if (!(await this.#hasRows(ledger))) return false;
    const { pipeline, sink } = this.#ledgerKey(epoch);
    const own = `pipeline = ${quoted(pipeline)} AND sink = ${quoted(sink)} AND epoch = ${epoch}`;
    return this.#hasRows(`SELECT 1 FROM main.sferic_ledger WHERE ${own}`);
  }

  async #hasRows(sql: string): Promise<boolean> {
    const batch = await queryDatabase(this.#database, sql);
    const { rowCount } = batch;
    batch.close();
    return rowCount > 0;
  }

  discard(epoch: number): Promise<void> {
    return rm(this.#staged(epoch), { force: true });
  }

  /** How the ledger names this pipeline with its checkpoint. */
  get #lineage(): string {
    return `${this.#context.pipeline}@${this.#context.history}`;
  }

  /**
   * Throws `output-missing` when rows that were committed are gone with their table, and `output-conflict` when the table holds
   * rows of this pipeline that its checkpoint knows nothing of.
   */
  async #requireFollowed(): Promise<void> {
    const past = this.#past;
    if (this.#isFollowed || past === undefined || !this.#context.durable) return;
    const { hasRows, epochs } = await this.#ledger();
    const own = epochs.get(this.#lineage);
    const { publishedEpoch, newestEpoch, isReset } = past;
    const place = `${this.#database}#${this.#config.table}`;
    const isMissing = publishedEpoch !== null && (hasRows === null || own === undefined);
    if (isMissing && this.#config.onMissingOutput === "stop") throw missing(place, publishedEpoch);
    if (own !== undefined && own > (newestEpoch ?? -1)) {
      throw outputConflict(place, olderCopy({ epoch: own }, newestEpoch ?? -1));
    }
    const isFirst = publishedEpoch === null && own === undefined;
    const isAdded = this.#config.write === "append" && hasRows === true && epochs.size > 0;
    if (isFirst && isAdded && !isReset) throw outputConflict(place, ofAnother(past.checkpoint!));
    await this.#token?.open(past);
    this.#isFollowed = true;
  }

  /** Whether the table has rows, null when there is no table; and the newest epoch in it of each lineage of this sink. */
  async #ledger(): Promise<{ hasRows: boolean | null; epochs: Map<string, number> }> {
    if ((await sizeOf(this.#database)) === null) return { hasRows: null, epochs: new Map() };
    const [table = "", schema = "main"] = this.#config.table.split(".").toReversed();
    const query = async (sql: string): Promise<Row[]> => {
      const batch = await queryDatabase(this.#database, sql);
      try {
        return rowsOf(batch);
      } finally {
        batch.close();
      }
    };
    const named = (name: string, of: string): string =>
      `count(*) FILTER (lower(schema_name) = lower(${quoted(of)}) AND lower(table_name) = lower(${quoted(name)}))::INTEGER`;
    const [found = {}] = await query(
      `SELECT ${named("sferic_ledger", "main")} AS ledgers, ${named(table, schema)} AS tables FROM duckdb_tables() WHERE database_name = current_database()`,
    );
    if (found["tables"] === 0) return { hasRows: null, epochs: new Map() };
    const hasRows = (await query(`SELECT 1 FROM "${schema}"."${table}" LIMIT 1`)).length > 0;
    if (found["ledgers"] === 0) return { hasRows, epochs: new Map() };
    const { pipeline, operatorId } = this.#context;
    const rows = await query(
      `SELECT pipeline, max(epoch)::INTEGER AS epoch FROM main.sferic_ledger WHERE sink = ${quoted(operatorId)} AND lower(table_name) = lower(${quoted(this.#config.table)}) AND starts_with(pipeline, ${quoted(`${pipeline}@`)}) GROUP BY pipeline`,
    );
    return { hasRows, epochs: new Map(rows.map((row) => [row["pipeline"] as string, Number(row["epoch"])])) };
  }

  /** Sees to it that the database is there and survives a power failure, whoever made it. */
  async #createDatabase(): Promise<void> {
    const isThere = (await sizeOf(this.#database)) !== null;
    if (isThere && this.#isDurable) return;
    const [folder, { history, operatorId }] = [dirname(this.#database), this.#context];
    const beside = join(folder, `.${basename(this.#database)}.${history}-${operatorId}.new`);
    if (!isThere) await makeDirectory(folder);
    await remove(beside);
    if (!isThere) await this.#create(beside);
    await syncAncestors(this.#database);
    this.#isDurable = true;
  }

  /** A process that ends while DuckDB creates a file leaves one that cannot be opened again; so it is made beside its place. */
  async #create(beside: string): Promise<void> {
    try {
      (await queryDatabase(beside, "SELECT 1")).close();
      await link(beside, this.#database);
    } catch (thrown) {
      // Another process was first.
      if ((thrown as NodeJS.ErrnoException).code !== "EEXIST") throw thrown;
    } finally {
      await remove(beside);
    }
  }

  #staged(epoch: number): string {
    return join(this.#context.scratchDirectory, `${String(epoch).padStart(10, "0")}.parquet`);
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** DuckDB writes a log beside the database; where the folder forbids it, the transaction fails with no code of its own. */
function deniedByFolder(cause: unknown): never {
  if (!(cause instanceof OperatorError) || !/Cannot open file .*: Permission denied/.test(cause.message)) throw cause;
  const message = `${cause.message}. Let this user write into that folder, or choose another path.`;
  throw new OperatorError({ code: "permission-denied", message, domain: "external" }, { cause });
}

/** DuckDB opens a file named as data (CSV, JSON, Parquet) as views in memory, where rows written to it would be lost. */
async function checkDatabase(path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found === null || !found.isFile()) return;
  const { bytesRead, buffer } = await headOf(path);
  if (buffer.toString("latin1", magicOffset, bytesRead) === magic) return;
  const message = `${path} is not a DuckDB database. Name another file, or move this one away.`;
  throw new OperatorError({ code: "not-a-database", message });
}

/** What every database file has after the checksum of its first header. */
const magic = "DUCK";
const magicOffset = 8;

async function headOf(path: string): Promise<{ bytesRead: number; buffer: Buffer }> {
  await using handle = await open(path);
  return handle.read(Buffer.alloc(magicOffset + magic.length), 0, magicOffset + magic.length, 0);
}
