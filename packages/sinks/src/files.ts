import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  type Batch,
  ConfigError,
  defineSink,
  type Epoch,
  type Format,
  formatField,
  type Json,
  type OperatorContext,
  type OutputPast,
  type PlanContext,
  type Published,
  type Schema,
  type Sink,
  type Staged,
} from "@sferic/operator";
import { removeIfEmpty } from "@sferic/operator/durable-files";
import { z } from "zod";
import { AppendSink } from "./files/append-sink.ts";
import { EpochParts } from "./files/epoch-parts.ts";
import { ownPartNames, partName } from "./files/part-names.ts";
import { checkPartitionColumns } from "./files/partition-folder.ts";
import { onMissingOutputField } from "./on-missing-output.ts";
import { isStale, OutputToken } from "./output-token.ts";
import { Staging, type StagedFile } from "./staging.ts";

const config = z.strictObject({
  url: z
    .string()
    .min(1)
    .describe(
      "Folder for the files, or with `write: append` the file; a path or a `file://` URL. Folders are created when missing.",
    ),
  format: formatField.describe("How the files are written."),
  write: z
    .enum(["parts", "append"])
    .default("parts")
    .describe(
      "`parts`: a file for every epoch. `append`: rows go to the end of one file, in a format whose files may be put end to end (`csv`, `json` in lines); readers may see part of an epoch.",
    ),
  onMissingOutput: onMissingOutputField,
  partitionBy: z
    .array(z.string().min(1))
    .max(8)
    .default([])
    .describe(
      "Columns whose values cut the rows into folders, `<column>=<value>/` one in the other: bools, integers, texts or dates. The files hold the other columns. With `write: parts` only.",
    ),
});

/**
 * One file per epoch, `part-<epoch>-<index>-<pipeline>-<sink>.<ending>` (`<pipeline>@<sink>` for a sink with a hyphen in its
 * id), written into a hidden folder and renamed into place, or at least one per epoch and folder with `partitionBy`, of
 * which 64 MiB of rows wait in memory; or one file that grows by the rows of every epoch, written at the offset that was
 * recorded before. Without a checkpoint, a run replaces the parts, or the file, that its own earlier runs left.
 */
export const files = defineSink({
  type: "files",
  since: "0.1.0",
  status: "stable",
  summary: "Write files into a folder, each visible only when it is complete.",
  delivery: {
    guarantee: "exactly-once",
    why: "files are renamed into place under a name made from the epoch, and rows to be appended are written at a recorded offset, so publishing again changes nothing",
  },
  config,
  errors: [
    "disk-full",
    "permission-denied",
    "not-a-folder",
    "output-conflict",
    "output-missing",
    "staged-missing",
    "format-not-writable",
    "append-unsupported",
    "too-many-partitions",
    "partition-name-too-long",
  ],
  examples: [
    { title: "Parquet", config: { url: "./out/flashes/", format: { type: "parquet" } } },
    { title: "One growing CSV file", config: { url: "./out/flashes.csv", format: { type: "csv" }, write: "append" } },
    {
      title: "A folder per value of a column",
      data: "blobs",
      config: { url: "./out/blobs/", format: { type: "csv" }, partitionBy: ["blob"] },
    },
  ],
  outputs: (c, context) => [
    { path: localPath(c.url, context), pointer: "/url", ...(c.write === "parts" ? { sharedBy: "files" } : {}) },
  ],
  accept: async ({ main }, c, context) => {
    if (c.partitionBy.length > 0) checkPartitions(main, c);
    await checkWritable(c, context);
  },
  create: (c, context) => (c.write === "append" ? appendSink(c, context) : new FilesSink(c, context)),
});

function appendSink(c: z.output<typeof config>, context: OperatorContext): Sink {
  const path = localPath(c.url, context);
  return new AppendSink(path, c.onMissingOutput, () => context.format(c.format), context);
}

function checkPartitions(main: Schema | undefined, { write, partitionBy }: z.output<typeof config>): void {
  if (write === "append") {
    const message = "rows are appended to one file, which cannot be cut into folders; write parts";
    throw new ConfigError([{ code: "append-unsupported", message, pointer: "/partitionBy" }]);
  }
  if (main !== undefined) checkPartitionColumns(main, partitionBy);
}

async function checkWritable(c: z.output<typeof config>, context: PlanContext): Promise<void> {
  const format = await context.format(c.format);
  if (format.createWriter === undefined) {
    const message = `the format "${c.format.type}" can be read but not written`;
    throw new ConfigError([{ code: "format-not-writable", message, pointer: "/format/type" }]);
  }
  if (c.write === "parts" || (format.canContinue === true && !c.url.endsWith("/"))) return;
  const message = c.url.endsWith("/")
    ? "rows are appended to one file, but the url names a folder"
    : `files of the format "${c.format.type}", written so, cannot be put end to end; write parts`;
  throw new ConfigError([{ code: "append-unsupported", message, pointer: "/write" }]);
}

class FilesSink implements Sink {
  readonly #config: z.output<typeof config>;
  readonly #context: OperatorContext;
  readonly #folder: string;
  readonly #staging: Staging;
  readonly #token: OutputToken;
  #format: Format | undefined;
  /** Names of the parts that earlier runs may have left. */
  #ownNames: RegExp | undefined;

  constructor(c: z.output<typeof config>, context: OperatorContext) {
    this.#config = c;
    this.#context = context;
    this.#folder = localPath(c.url, context);
    this.#staging = new Staging(this.#folder, context);
    const holdsRows = (): Promise<boolean> => hasFile(this.#folder, "", this.#ownNames!);
    this.#token = new OutputToken(
      { output: this.#folder, isFolder: true, onMissing: c.onMissingOutput, holdsRows },
      context,
    );
  }

  async open(past?: OutputPast): Promise<void> {
    this.#format = await this.#context.format(this.#config.format);
    this.#ownNames = await ownPartNames(this.#folder, this.#context);
    const found = await this.#token.open(past);
    if (found !== null && isStale(found, past)) await this.#staging.removeOf(found.lineage);
  }

  async stage(batches: AsyncIterable<Batch>, epoch: Epoch): Promise<Staged | null> {
    const { partitionBy } = this.#config;
    let parts: EpochParts | undefined;
    try {
      for await (const batch of batches) {
        if (batch.rowCount === 0) {
          batch.close();
          continue;
        }
        if (parts === undefined) {
          await this.#staging.begin(epoch.id);
          // A run without a checkpoint has a lineage of its own: the next one must be able to find what it stages.
          if (!this.#context.durable) await this.#token.claim(epoch.id, null);
        }
        parts ??= new EpochParts({
          partitionBy,
          name: (index) => partName(this.#context, epoch, index, this.#format!.ending),
          create: (name, schema) => this.#format!.createWriter!(this.#staging.path(epoch.id, name), schema),
        });
        await parts.add(batch);
      }
      if (parts === undefined) return null;
      const files = await parts.finish();
      await this.#staging.seal(epoch.id);
      const rows = files.reduce((sum, file) => sum + file.rows, 0);
      const staged = files.map(({ rows: _, ...file }): StagedFile => file);
      return { rows, record: { files: staged } as unknown as Json };
    } catch (thrown) {
      parts?.abort();
      throw thrown;
    }
  }

  async publish({ record }: Staged, epoch: Epoch): Promise<Published> {
    const { files: staged } = record as unknown as { files: StagedFile[] };
    await this.#token.claim(epoch.id, record);
    const published = await this.#staging.publish(epoch.id, staged, !this.#context.durable);
    if (!this.#context.durable && epoch.id === 0) await this.#removeEarlierParts(staged);
    return { files: published };
  }

  discard(epoch: number): Promise<void> {
    return this.#staging.discard(epoch);
  }

  close(): Promise<void> {
    return this.#staging.close();
  }

  /** Removes the parts that earlier runs without a checkpoint left and this one did not write again. */
  async #removeEarlierParts(current: readonly StagedFile[]): Promise<void> {
    const own = this.#ownNames!;
    const kept = new Set(current.map(({ name, folder }) => join(folder ?? "", name)));
    await removeParts(this.#folder, "", (folder, name) => own.test(name) && !kept.has(join(folder, name)));
  }
}

/** Removes files from a folder and its partitions, and partitions that are empty then. */
async function removeParts(
  root: string,
  folder: string,
  isObsolete: (folder: string, name: string) => boolean,
): Promise<void> {
  for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && entry.name.includes("=")) {
      await removeParts(root, path, isObsolete);
      await removeIfEmpty(join(root, path));
    } else if (isObsolete(folder, entry.name)) await rm(join(root, path));
  }
}

/** Whether a folder or its partitions have a file of such a name. */
async function hasFile(root: string, folder: string, name: RegExp): Promise<boolean> {
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => []);
  if (entries.some((entry) => !entry.isDirectory() && name.test(entry.name))) return true;
  for (const entry of entries) {
    if (!entry.isDirectory() || !entry.name.includes("=")) continue;
    if (await hasFile(root, join(folder, entry.name), name)) return true;
  }
  return false;
}

function localPath(url: string, context: Pick<PlanContext, "resolvePath">): string {
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined || scheme === "file") return context.resolvePath(url);
  const message = `files cannot be written to "${scheme}://" yet; give a local path or a file:// URL`;
  throw new ConfigError([{ code: "unsupported-url", message, pointer: "/url" }]);
}
