import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { checksumFile } from "@sferic/bindings/formats";
import {
  type Batch,
  ConfigError,
  defineSink,
  type Epoch,
  type FileWriter,
  type Format,
  formatField,
  type OperatorContext,
  OperatorError,
  type PlanContext,
  type Published,
  type Sink,
  type Staged,
} from "@sferic/operator";
import { z } from "zod";
import { makeDirectory, move, removeUpTo, sizeOf, syncDirectory } from "./files/durable.ts";

const config = z.strictObject({
  url: z.string().min(1).describe("Folder for the files, a path or a `file://` URL; created when missing."),
  format: formatField.describe("How the files are written."),
});

/** One finished file, as kept in the prepared record. */
interface StagedFile {
  readonly name: string;
  readonly bytes: number;
  readonly checksum: string;
}

const stagingFolder = ".sferic-staging";

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
  errors: ["disk-full", "permission-denied", "output-conflict", "staged-missing", "format-not-writable"],
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
  /** Epochs staged by this process, whose bytes need no second look before they are published. */
  readonly #stagedHere = new Set<number>();
  #format: Format | undefined;

  constructor(c: z.output<typeof config>, context: OperatorContext) {
    this.#config = c;
    this.#context = context;
    this.#folder = localFolder(c.url, context);
    this.#owner = `${context.pipeline}-${context.operatorId}`;
  }

  async open(): Promise<void> {
    this.#format = await this.#context.format(this.#config.format);
  }

  async stage(batches: AsyncIterable<Batch>, epoch: Epoch): Promise<Staged | null> {
    const folder = this.#staging(epoch.id);
    const name = `part-${digits(epoch.id, 10)}-${digits(0, 5)}-${this.#owner}.${this.#format!.ending}`;
    let writer: FileWriter | undefined;
    try {
      for await (const batch of batches) {
        if (batch.rowCount > 0) {
          writer ??= await this.#createWriter(folder, name, batch);
          await writer.write(batch);
        }
        batch.close();
      }
      if (writer === undefined) return null;
      const { rows, bytes, checksum } = await writer.finish();
      await syncDirectory(folder);
      this.#stagedHere.add(epoch.id);
      return { rows, record: { files: [{ name, bytes, checksum }] } };
    } catch (thrown) {
      writer?.abort();
      throw thrown;
    }
  }

  async publish({ record }: Staged, epoch: Epoch): Promise<Published> {
    const { files: staged } = record as unknown as { files: StagedFile[] };
    for (const file of staged) await this.#publishOne(file, epoch.id);
    if (!this.#context.durable && epoch.id === 0) await this.#removeEarlierParts(staged);
    await syncDirectory(this.#folder);
    return { files: staged.map(({ name }) => join(this.#folder, name)) };
  }

  async discard(epoch: number): Promise<void> {
    this.#stagedHere.delete(epoch);
    await removeUpTo(this.#staging(epoch), join(this.#folder, stagingFolder));
  }

  async #createWriter(folder: string, name: string, batch: Batch): Promise<FileWriter> {
    await makeDirectory(folder);
    return this.#format!.createWriter!(join(folder, name), batch.schema);
  }

  async #publishOne(file: StagedFile, epoch: number): Promise<void> {
    const [staged, visible] = [join(this.#staging(epoch), file.name), join(this.#folder, file.name)];
    const stagedSize = await sizeOf(staged);
    if (stagedSize === null) {
      if (await isSame(visible, file)) return;
      throw new OperatorError({
        code: "staged-missing",
        message: `${staged} was prepared but is gone, and ${visible} is not it. Restore the file, or reset the checkpoint.`,
        domain: "external",
      });
    }
    if (!this.#stagedHere.has(epoch) && !(await isSame(staged, file))) throw altered(staged);
    if (this.#context.durable && (await sizeOf(visible)) !== null && !(await isSame(visible, file))) {
      throw new OperatorError({
        code: "output-conflict",
        message: `${visible} is there already with other content, from a run with another checkpoint. Give this pipeline a folder of its own, or remove its old files.`,
      });
    }
    await move(staged, visible);
  }

  /** Removes the parts that earlier runs without a checkpoint left and this one did not write again. */
  async #removeEarlierParts(current: readonly StagedFile[]): Promise<void> {
    const own = new RegExp(`^part-\\d{10}-\\d{5}-${this.#owner}\\.[a-z0-9.]+$`);
    for (const name of await readdir(this.#folder)) {
      if (own.test(name) && !current.some((file) => file.name === name)) await rm(join(this.#folder, name));
    }
  }

  #staging(epoch: number): string {
    return join(this.#folder, stagingFolder, this.#owner, digits(epoch, 10));
  }
}

async function isSame(path: string, file: StagedFile): Promise<boolean> {
  if ((await sizeOf(path)) !== file.bytes) return false;
  return (await checksumFile(path)).checksum === file.checksum;
}

function altered(path: string): OperatorError {
  const message = `${path} is not what was prepared: its size or checksum differs. Restore the file, or reset the checkpoint.`;
  return new OperatorError({ code: "staged-missing", message, domain: "external" });
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
