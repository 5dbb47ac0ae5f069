import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  type Batch,
  ConfigError,
  defineSink,
  type Epoch,
  type FileWriter,
  type Format,
  formatField,
  type OperatorContext,
  type PlanContext,
  type Published,
  type Sink,
  type Staged,
} from "@sferic/operator";
import { z } from "zod";
import { Staging, type StagedFile } from "./staging.ts";

const config = z.strictObject({
  url: z.string().min(1).describe("Folder for the files, a path or a `file://` URL; created when missing."),
  format: formatField.describe("How the files are written."),
});

/**
 * One file per epoch, `part-<epoch>-<index>-<pipeline>-<sink>.<ending>`, written into a hidden folder and renamed into
 * place. Without a checkpoint, a run replaces the parts that its own earlier runs left.
 */
export const files = defineSink({
  type: "files",
  since: "0.1.0",
  status: "stable",
  summary: "Write files into a folder, each visible only when it is complete.",
  delivery: {
    guarantee: "exactly-once",
    why: "files are renamed into place under a name made from the epoch, so publishing again changes nothing",
  },
  config,
  errors: [
    "disk-full",
    "permission-denied",
    "not-a-folder",
    "output-conflict",
    "staged-missing",
    "format-not-writable",
  ],
  examples: [{ title: "Parquet", config: { url: "./out/flashes/", format: { type: "parquet" } } }],
  accept: (_, c, context) => checkWritable(c, context),
  create: (c, context) => new FilesSink(c, context),
});

async function checkWritable(c: z.output<typeof config>, context: PlanContext): Promise<void> {
  const format = await context.format(c.format);
  if (format.createWriter !== undefined) return;
  const message = `the format "${c.format.type}" can be read but not written`;
  throw new ConfigError([{ code: "format-not-writable", message, pointer: "/format/type" }]);
}

class FilesSink implements Sink {
  readonly #config: z.output<typeof config>;
  readonly #context: OperatorContext;
  readonly #folder: string;
  readonly #owner: string;
  readonly #staging: Staging;
  #format: Format | undefined;

  constructor(c: z.output<typeof config>, context: OperatorContext) {
    this.#config = c;
    this.#context = context;
    this.#folder = localFolder(c.url, context);
    this.#owner = `${context.pipeline}-${context.operatorId}`;
    this.#staging = new Staging(this.#folder, this.#owner);
  }

  async open(): Promise<void> {
    this.#format = await this.#context.format(this.#config.format);
  }

  async stage(batches: AsyncIterable<Batch>, epoch: Epoch): Promise<Staged | null> {
    const name = `part-${digits(epoch.id, 10)}-${digits(0, 5)}-${this.#owner}.${this.#format!.ending}`;
    let writer: FileWriter | undefined;
    try {
      for await (const batch of batches) {
        if (batch.rowCount > 0) {
          writer ??= await this.#createWriter(epoch.id, name, batch);
          await writer.write(batch);
        }
        batch.close();
      }
      if (writer === undefined) return null;
      const { rows, bytes, checksum } = await writer.finish();
      await this.#staging.seal(epoch.id);
      return { rows, record: { files: [{ name, bytes, checksum }] } };
    } catch (thrown) {
      writer?.abort();
      throw thrown;
    }
  }

  async publish({ record }: Staged, epoch: Epoch): Promise<Published> {
    const { files: staged } = record as unknown as { files: StagedFile[] };
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

  async #createWriter(epoch: number, name: string, batch: Batch): Promise<FileWriter> {
    await this.#staging.begin(epoch);
    return this.#format!.createWriter!(this.#staging.path(epoch, name), batch.schema);
  }

  /** Removes the parts that earlier runs without a checkpoint left and this one did not write again. */
  async #removeEarlierParts(current: readonly StagedFile[]): Promise<void> {
    const own = new RegExp(`^part-\\d{10}-\\d{5}-${this.#owner}\\.[a-z0-9.]+$`);
    for (const name of await readdir(this.#folder)) {
      if (own.test(name) && !current.some((file) => file.name === name)) await rm(join(this.#folder, name));
    }
  }
}

function localFolder(url: string, context: Pick<PlanContext, "resolvePath">): string {
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined || scheme === "file") return context.resolvePath(url);
  const message = `files cannot be written to "${scheme}://" yet; give a local folder or a file:// URL`;
  throw new ConfigError([{ code: "unsupported-url", message, pointer: "/url" }]);
}

function digits(value: number, width: number): string {
  return String(value).padStart(width, "0");
}
