import { randomUUID } from "node:crypto";
import { join } from "node:path";
import {
  appendDelta,
  createDeltaFile,
  type DeltaFile,
  type DeltaFileWriter,
  deltaParts,
  type DeltaPlan,
  deltaProblems,
  planDelta,
} from "@sferic/bindings/delta";
import { compactDelta } from "@sferic/bindings/delta-keep";
import {
  asOperatorError,
  type Batch,
  type Column,
  ConfigError,
  defineSink,
  type Epoch,
  type Json,
  type OperatorContext,
  type OutputPast,
  OperatorError,
  type PlanContext,
  type Published,
  Schema,
  type Sink,
  type Staged,
} from "@sferic/operator";
import { namesIn, syncAncestors } from "@sferic/operator/durable-files";
import { z } from "zod";
import { onMissingOutputField } from "./on-missing-output.ts";
import { publishedEpochs } from "./delta-epochs.ts";
import { missing, ofAnother, olderCopy, outputConflict, OutputToken } from "./output-token.ts";
import { Staging, stagingOwner, type StagedFile } from "./staging.ts";

const config = z.strictObject({
  url: z.string().min(1).describe("Folder of the table; a path or a `file://` URL. Created when missing."),
  partitionBy: z
    .array(z.string().min(1))
    .max(8)
    .default([])
    .describe(
      "Columns whose values cut the rows into files: bools, integers, texts or dates. Of a table that is there, its own, or none.",
    ),
  mergeSchema: z
    .boolean()
    .default(false)
    .describe("Whether columns that the table does not have are added to it, instead of ending the run."),
  compression: z.enum(["zstd", "snappy", "lz4", "none"]).default("snappy").describe("Of the Parquet files."),
  onMissingOutput: onMissingOutputField,
  optimize: z
    .strictObject({
      targetBytes: z
        .int()
        .min(65_536)
        .max(4_294_967_296)
        .default(134_217_728)
        .describe("A file is small below half of that; small ones become files of about this size."),
    })
    .optional()
    .describe("Put small files together while the pipeline runs, in commits of their own that change no rows."),
});

/** Epochs from one look at the table for small files to the next. */
const epochsPerLook = 16;

/** Files of one epoch: one for each combination of partition values. */
const filesPerEpochMax = 1000;

/**
 * Rows into a Delta Lake table on a local disk. An epoch is staged as Parquet files in a hidden folder of the table; they
 * are moved into the table's folder, where no reader looks for them, and one commit makes them part of the table.
 */
export const delta = defineSink({
  type: "delta",
  since: "0.1.0",
  status: "experimental",
  summary: "Append rows to a Delta Lake table.",
  delivery: {
    guarantee: "exactly-once",
    why: "the files of an epoch and the epoch's number, as the table's transaction of this pipeline, are one commit, so publishing again finds the number",
  },
  config,
  errors: [
    "unsupported-type",
    "schema-mismatch",
    "unsupported-table",
    "invalid-table",
    "too-many-partitions",
    "fenced",
    "table-busy",
    "staged-missing",
    "output-conflict",
    "output-missing",
    "disk-full",
    "permission-denied",
    "not-a-folder",
  ],
  examples: [
    { title: "A table of points", config: { url: "./out/points" } },
    { title: "Many small epochs", config: { url: "./out/points", optimize: { targetBytes: 134_217_728 } } },
    { title: "Cut by a column", config: { url: "./out/points", partitionBy: ["blob"], mergeSchema: true } },
  ],
  outputs: (c, context) => [{ path: localPath(c.url, context), sharedBy: "delta", pointer: "/url" }],
  accept: ({ main }, c, context) => checkColumns(main!, c, context),
  create: (c, context) => new DeltaSink(c, context),
});

function checkColumns(schema: Schema, { partitionBy, url }: z.output<typeof config>, context: PlanContext): void {
  localPath(url, context);
  schema.pick(partitionBy, "/partitionBy");
  const problems = deltaProblems(schema);
  if (problems.length > 0) throw new ConfigError(problems);
}

/** A data file as it stands in the prepared record. */
interface StagedData extends StagedFile {
  readonly values: readonly (string | null)[];
  readonly stats: string;
}

interface Prepared {
  readonly files: readonly StagedData[];
  /** Columns of the rows. */
  readonly columns: readonly Column[];
}

/** A file of this epoch that is being written. */
interface OpenFile {
  readonly name: string;
  readonly values: readonly (string | null)[];
  readonly writer: DeltaFileWriter;
}

class DeltaSink implements Sink {
  readonly #config: z.output<typeof config>;
  readonly #context: OperatorContext;
  readonly #table: string;
  readonly #staging: Staging;
  /** Tells two runs that begin a table at once, before the log can. */
  readonly #token: OutputToken;
  /** Whether the log is known to survive a power failure. */
  #isLogDurable = false;
  /** By this process. */
  #publishedCount = 0;

  constructor(c: z.output<typeof config>, context: OperatorContext) {
    this.#config = c;
    this.#context = context;
    this.#table = localPath(c.url, context);
    this.#staging = new Staging(this.#table, stagingOwner(context));
    const holdsRows = (): Promise<boolean> => this.#isTable();
    this.#token = new OutputToken(
      { output: this.#table, isFolder: true, onMissing: c.onMissingOutput, holdsRows },
      context,
    );
  }

  async open(past?: OutputPast): Promise<void> {
    const published = past?.publishedEpoch ?? null;
    if (published !== null && this.#config.onMissingOutput === "stop" && !(await this.#isTable())) {
      throw missing(this.#table, published);
    }
    // Runs without a checkpoint add their rows to the table, as those of other pipelines do.
    if (past === undefined || !this.#context.durable) return;
    await this.#token.open(past);
    const { newestEpoch, isReset, checkpoint } = past;
    const epochs = await publishedEpochs(this.#table, this.#context);
    const own = epochs.get(this.#context.history);
    if (own !== undefined && own > (newestEpoch ?? -1)) {
      throw outputConflict(this.#table, olderCopy({ epoch: own }, newestEpoch ?? -1));
    }
    const isFirst = published === null && own === undefined;
    if (isFirst && epochs.size > 0 && !isReset) throw outputConflict(this.#table, ofAnother(checkpoint!));
  }

  async stage(batches: AsyncIterable<Batch>, epoch: Epoch): Promise<Staged | null> {
    const open = new Map<string, OpenFile>();
    let plan: DeltaPlan | undefined;
    let columns: readonly Column[] = [];
    try {
      for await (const batch of batches) {
        if (batch.rowCount > 0) {
          plan ??= await this.#begin(batch.schema, epoch);
          columns = batch.schema.columns;
          await this.#write(batch, plan, epoch, open);
        }
        batch.close();
      }
      if (plan === undefined) return null;
      const files = await Promise.all([...open.values()].map(finished));
      await this.#staging.seal(epoch.id);
      const rows = files.reduce((sum, file) => sum + file.rows, 0);
      const record = { files: files.map(({ rows: _, ...file }) => file), columns };
      return { rows, record: record as unknown as Json };
    } catch (thrown) {
      for (const { writer } of open.values()) writer.abort();
      throw thrown;
    }
  }

  async publish({ record }: Staged, epoch: Epoch): Promise<Published> {
    const { files, columns } = record as unknown as Prepared;
    const { pipeline, operatorId, history } = this.#context;
    await this.#staging.publish(epoch.id, files, false);
    await this.#staging.begin(epoch.id);
    await this.#token.claim(epoch.id, record);
    await appendDelta({
      table: this.#table,
      wish: this.#wish(new Schema(columns)),
      appId: `${pipeline}@${history}/${operatorId}`,
      version: epoch.id,
      files: files.map(({ name, bytes, values, stats }): DeltaFile => ({ name, bytes, values, stats })),
      temporary: this.#staging.path(epoch.id, `${randomUUID()}.json`),
    });
    if (!this.#isLogDurable) await syncAncestors(join(this.#table, "_delta_log"));
    this.#isLogDurable = true;
    await this.#optimize(epoch);
    return { files: [this.#table] };
  }

  /** Looks for small files in the first epoch of a process, which may be killed often, and then once in a while. */
  async #optimize({ signal }: Epoch): Promise<void> {
    const { optimize, compression } = this.#config;
    if (optimize === undefined || this.#publishedCount++ % epochsPerLook > 0) return;
    const { targetBytes } = optimize;
    const compaction = { table: this.#table, targetBytes, tailOnly: true, compression, name: randomUUID() };
    await compactDelta(compaction, signal).catch((thrown: unknown) => {
      // Another writer was first; what it left is looked at the next time.
      if (!["table-changed", "table-busy"].includes(asOperatorError(thrown).code)) throw thrown;
    });
  }

  discard(epoch: number): Promise<void> {
    return this.#staging.discard(epoch);
  }

  close(): Promise<void> {
    return this.#staging.close();
  }

  async #isTable(): Promise<boolean> {
    return (await namesIn(join(this.#table, "_delta_log"))).some((name) => /^\d{20}\./.test(name));
  }

  /** Refuses rows that do not fit the table before any is written. */
  async #begin(schema: Schema, epoch: Epoch): Promise<DeltaPlan> {
    await this.#staging.begin(epoch.id);
    return planDelta(this.#table, this.#wish(schema));
  }

  async #write(batch: Batch, plan: DeltaPlan, epoch: Epoch, open: Map<string, OpenFile>): Promise<void> {
    for (const { values, batch: rows } of await deltaParts(batch, plan)) {
      const key = JSON.stringify(values);
      const file = open.get(key) ?? (await this.#create(rows, values, epoch, open.size));
      open.set(key, file);
      await file.writer.write(rows);
      rows.close();
    }
  }

  async #create(rows: Batch, values: readonly (string | null)[], epoch: Epoch, index: number): Promise<OpenFile> {
    if (index === filesPerEpochMax) {
      const by = this.#config.partitionBy.join(", ");
      const message = `An epoch has more than ${filesPerEpochMax} combinations of values of ${by}. Partition by columns with fewer values.`;
      throw new OperatorError({ code: "too-many-partitions", message });
    }
    const name = `part-${String(index).padStart(5, "0")}-${randomUUID()}.${this.#config.compression}.parquet`;
    const path = this.#staging.path(epoch.id, name);
    return { name, values, writer: await createDeltaFile(path, rows.schema, this.#config.compression) };
  }

  #wish(schema: Schema): Parameters<typeof planDelta>[1] {
    const { partitionBy, mergeSchema } = this.#config;
    return { schema, partitionBy, mergeSchema };
  }
}

async function finished({ name, values, writer }: OpenFile): Promise<StagedData & { readonly rows: number }> {
  const { rows, bytes, checksum, stats } = await writer.finish();
  return { name, rows, bytes, checksum, values, stats };
}

function localPath(url: string, context: Pick<PlanContext, "resolvePath">): string {
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined || scheme === "file") return context.resolvePath(url);
  const message = `tables cannot be written to "${scheme}://" yet; give a local path or a file:// URL`;
  throw new ConfigError([{ code: "unsupported-url", message, pointer: "/url" }]);
}
