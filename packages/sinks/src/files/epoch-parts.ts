import { partitionBatch } from "@sferic/bindings/reshape";
import { type Batch, type FileWriter, OperatorError, type Schema } from "@sferic/operator";
import type { StagedFile } from "../staging.ts";
import { partitionFolder } from "./partition-folder.ts";

/** A complete file of an epoch. */
export interface Part extends StagedFile {
  readonly rows: number;
}

/** How the files of an epoch are made. */
export interface PartMaker {
  /** Columns whose values cut the rows into folders; none for one file. */
  readonly partitionBy: readonly string[];
  /** Name of the file with this number in the epoch. */
  name(index: number): string;
  create(name: string, schema: Schema): Promise<FileWriter>;
}

/** How much is held at a time. */
export interface PartBounds {
  /** Bytes of rows that wait for more rows of their folder. */
  readonly waitingBytesMax: number;
  /** Files in work. */
  readonly openCountMax: number;
}

const usualBounds: PartBounds = { waitingBytesMax: 64 * 1024 * 1024, openCountMax: 256 };

/** Files completed beside each other: each waits for the disk. */
const completingCount = 8;

/** As many as five digits can count. */
const partCountMax = 100_000;

interface OpenPart {
  readonly name: string;
  readonly writer: FileWriter;
}

/**
 * Puts the rows of an epoch into files: one, or those of each partition into a folder of its own. Rows of partitions wait until
 * there are 64 MiB of them, so that folders with few rows get one file; of more than 256 files in work, the one that had
 * no rows for longest is completed, and rows that come for it later get another one.
 */
export class EpochParts {
  readonly #maker: PartMaker;
  readonly #bounds: PartBounds;
  /** Rows that are not written yet, by folder. */
  readonly #waiting = new Map<string, Batch[]>();
  /** By folder; the one written last is the last one. */
  readonly #open = new Map<string, OpenPart>();
  readonly #complete: Part[] = [];
  #waitingBytes = 0;
  #count = 0;

  constructor(maker: PartMaker, bounds = usualBounds) {
    this.#maker = maker;
    this.#bounds = bounds;
  }

  /** Takes rows; closes the batch. */
  async add(batch: Batch): Promise<void> {
    const { partitionBy } = this.#maker;
    if (partitionBy.length === 0) {
      this.#keep("", batch);
      return this.#write();
    }
    const parts = await partitionBatch(batch, partitionBy);
    try {
      const folders = parts.map(({ values }) => partitionFolder(partitionBy, values));
      for (const folder of folders) this.#keep(folder, parts.shift()!.batch);
    } finally {
      for (const part of parts) part.batch.close();
    }
    if (this.#waitingBytes > this.#bounds.waitingBytesMax) await this.#write();
  }

  /** Completes all files; none when there were no rows. */
  async finish(): Promise<Part[]> {
    const folders = new Set([...this.#open.keys(), ...this.#waiting.keys()]);
    const rest = [...folders].values();
    const work = async (): Promise<void> => {
      for (const folder of rest) {
        await this.#writeFolder(folder);
        await this.#finish(folder);
      }
    };
    await Promise.all(Array.from({ length: completingCount }, work));
    return this.#complete.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Gives up; the caller removes the files. */
  abort(): void {
    for (const { writer } of this.#open.values()) writer.abort();
    for (const batch of [...this.#waiting.values()].flat()) batch.close();
    this.#waiting.clear();
  }

  #keep(folder: string, batch: Batch): void {
    const waiting = this.#waiting.get(folder) ?? [];
    this.#waiting.set(folder, waiting);
    waiting.push(batch);
    this.#waitingBytes += batch.byteLength;
  }

  async #write(): Promise<void> {
    for (const folder of this.#waiting.keys()) {
      if (this.#open.size >= this.#bounds.openCountMax && !this.#open.has(folder)) {
        const [idle] = this.#open.keys();
        await this.#finish(idle!);
      }
      await this.#writeFolder(folder);
    }
    this.#waitingBytes = 0;
  }

  async #writeFolder(folder: string): Promise<void> {
    const batches = this.#waiting.get(folder) ?? [];
    if (batches.length === 0) return;
    const part = this.#open.get(folder) ?? (await this.#create(batches[0]!.schema));
    this.#open.delete(folder);
    this.#open.set(folder, part);
    while (batches.length > 0) {
      await part.writer.write(batches[0]!);
      batches.shift()!.close();
    }
    this.#waiting.delete(folder);
  }

  async #create(schema: Schema): Promise<OpenPart> {
    const index = this.#count++;
    if (index < partCountMax) {
      const name = this.#maker.name(index);
      return { name, writer: await this.#maker.create(name, schema) };
    }
    const by = this.#maker.partitionBy.join(", ");
    const message = `An epoch has more than ${partCountMax} files for the values of ${by}. Partition by columns with fewer values.`;
    throw new OperatorError({ code: "too-many-partitions", message });
  }

  async #finish(folder: string): Promise<void> {
    const { name, writer } = this.#open.get(folder)!;
    const { rows, bytes, checksum } = await writer.finish();
    this.#open.delete(folder);
    this.#complete.push({ name, rows, bytes, checksum, ...(folder === "" ? {} : { folder }) });
  }
}
