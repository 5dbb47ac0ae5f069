import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createParquet } from "@sferic/bindings/formats";
import { writeTable } from "@sferic/bindings/relational";
import {
  type Batch,
  defineSink,
  type Epoch,
  type FileWriter,
  type OperatorContext,
  type Published,
  type Sink,
  type Staged,
} from "@sferic/operator";
import { makeDirectory } from "@sferic/operator/durable-files";
import { z } from "zod";

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
  errors: ["database-locked", "not-a-database", "schema-mismatch", "disk-full", "permission-denied"],
  examples: [{ title: "A table of flashes", config: { path: "./out/lightning.duckdb", table: "flashes" } }],
  create: (c, context) => new DuckdbSink(c, context),
});

class DuckdbSink implements Sink {
  readonly #config: z.output<typeof config>;
  readonly #context: OperatorContext;
  readonly #database: string;

  constructor(c: z.output<typeof config>, context: OperatorContext) {
    this.#config = c;
    this.#context = context;
    this.#database = context.resolvePath(c.path);
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
      return { rows, record: { path, bytes, checksum } };
    } catch (thrown) {
      writer?.abort();
      throw thrown;
    }
  }

  async publish({ record }: Staged, epoch: Epoch): Promise<Published> {
    const { table, write } = this.#config;
    const { path } = record as { path: string };
    await makeDirectory(dirname(this.#database));
    const { pipeline, operatorId, history } = this.#context;
    await writeTable({
      database: this.#database,
      table,
      mode: write,
      parquet: path,
      ledger: { pipeline: `${pipeline}@${history}`, sink: operatorId, epoch: epoch.id },
    });
    return { files: [`${this.#database}#${table}`] };
  }

  discard(epoch: number): Promise<void> {
    return rm(this.#staged(epoch), { force: true });
  }

  #staged(epoch: number): string {
    return join(this.#context.scratchDirectory, `${String(epoch).padStart(10, "0")}.parquet`);
  }
}
