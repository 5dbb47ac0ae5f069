import { link, open, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { createParquet } from "@sferic/bindings/formats";
import { queryDatabase, writeTable } from "@sferic/bindings/relational";
import {
  type Batch,
  defineSink,
  type Epoch,
  type FileWriter,
  type OperatorContext,
  OperatorError,
  type Published,
  type Sink,
  type Staged,
} from "@sferic/operator";
import { makeDirectory, remove, sizeOf, syncAncestors } from "@sferic/operator/durable-files";
import { z } from "zod";
import { requireStaged, type StagedContent } from "./staged-file.ts";

const config = z.strictObject({
  path: z.string().min(1).describe("Database file; created when missing. Several sinks may share one."),
  table: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$/, "must be a table name, or schema.table")
    .describe("Table, `name` or `schema.name`; created from the first rows when missing."),
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
  create: (c, context) => new DuckdbSink(c, context),
});

class DuckdbSink implements Sink {
  readonly #config: z.output<typeof config>;
  readonly #context: OperatorContext;
  readonly #database: string;
  /** Whether the name of the database is known to survive a power failure. */
  #isDurable = false;
  /** Epoch that this process staged last, whose bytes need no second look. */
  #sealed: number | undefined;

  constructor(c: z.output<typeof config>, context: OperatorContext) {
    this.#config = c;
    this.#context = context;
    this.#database = context.resolvePath(c.path);
  }

  async open(): Promise<void> {
    await checkDatabase(this.#database);
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
    if (this.#sealed !== epoch.id) {
      if (await this.#isInLedger(epoch.id)) return published;
      await requireStaged(parquet, record as unknown as StagedContent);
    }
    await this.#createDatabase();
    const ledger = this.#ledgerKey(epoch.id);
    await writeTable({ database: this.#database, table, mode: write, parquet, ledger }).catch(deniedByFolder);
    return published;
  }

  #ledgerKey(epoch: number): { readonly pipeline: string; readonly sink: string; readonly epoch: number } {
    const { pipeline, operatorId, history } = this.#context;
    return { pipeline: `${pipeline}@${history}`, sink: operatorId, epoch };
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

  /** Sees to it that the database is there and survives a power failure, whoever made it. */
  async #createDatabase(): Promise<void> {
    const isThere = (await sizeOf(this.#database)) !== null;
    if (isThere && this.#isDurable) return;
    const [folder, { pipeline, operatorId }] = [dirname(this.#database), this.#context];
    const beside = join(folder, `.${basename(this.#database)}.${pipeline}-${operatorId}.new`);
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
