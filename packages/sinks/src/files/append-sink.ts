import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import {
  type Batch,
  type Epoch,
  type FileWriter,
  type Format,
  type Json,
  type OperatorContext,
  type OperatorError,
  type OutputPast,
  type Published,
  type Schema,
  type Sink,
  type Staged,
} from "@sferic/operator";
import { remove, sizeOf, syncDirectory } from "@sferic/operator/durable-files";
import { isStale, missing, outputConflict, OutputToken, type TokenContent } from "../output-token.ts";
import { isSame } from "../staged-file.ts";
import { type StagedFile, Staging } from "../staging.ts";

/** What the prepared record says: the staged bytes, and where in the file they belong. */
interface AppendRecord {
  readonly file: StagedFile;
  /** Bytes of the file that stay. */
  readonly offset: number;
}

/** What the token of a run without a checkpoint says of the file, so that the next run replaces only its own bytes. */
interface OwnBytes {
  readonly bytes: number;
  /** SHA-256 of the whole file as hex; null while rows are written. */
  readonly sha256: string | null;
}

/** Bytes that are compared or copied at once. */
const sliceBytes = 1024 * 1024;

/**
 * Adds the rows of every epoch at the end of one file. They are staged beside it; publishing puts them at the offset where
 * the file ended when they were staged, so that to publish again changes nothing. Readers may see part of an epoch.
 */
export class AppendSink implements Sink {
  readonly #path: string;
  readonly #staging: Staging;
  readonly #token: OutputToken;
  readonly #onMissing: "stop" | "start-over";
  readonly #format: () => Promise<Format>;
  readonly #durable: boolean;
  /** Of a run without a checkpoint: what is written, and the digest of it so far. */
  #written: { readonly bytes: number; readonly hash: Hash } = { bytes: 0, hash: createHash("sha256") };
  /** The file when it was opened: a run without a checkpoint replaces no other. */
  #before: string | null = null;
  /** Whether the file is known to begin as this sink's rows do. */
  #isOwn = false;

  /** `path` is absolute; the staging folder lies beside it. A run without a checkpoint replaces what an earlier one left. */
  constructor(path: string, onMissing: "stop" | "start-over", format: () => Promise<Format>, context: OperatorContext) {
    this.#path = path;
    this.#staging = new Staging(dirname(path), context);
    const holdsRows = async (): Promise<boolean> => ((await sizeOf(path)) ?? 0) > 0;
    this.#token = new OutputToken({ output: path, isFolder: false, onMissing, holdsRows }, context);
    this.#onMissing = onMissing;
    this.#format = format;
    this.#durable = context.durable;
  }

  async open(past?: OutputPast): Promise<void> {
    const found = await this.#token.open(past);
    const size = await sizeOf(this.#path);
    this.#before = await this.#state();
    if (past?.publishedEpoch != null)
      await this.#requirePublished(size ?? 0, past.publishedEpoch, past.publishedRecord);
    if (past?.checkpoint === null && (size ?? 0) > 0) await this.#requireOwnBytes(found);
    if (found !== null && isStale(found, past)) await this.#staging.removeOf(found.lineage);
  }

  async stage(batches: AsyncIterable<Batch>, epoch: Epoch): Promise<Staged | null> {
    const name = basename(this.#path);
    let writer: FileWriter | undefined;
    let offset = 0;
    try {
      for await (const batch of batches) {
        if (batch.rowCount > 0) {
          if (writer === undefined) {
            await this.#staging.begin(epoch.id);
            await this.#announce(epoch.id);
            offset = await this.#offsetFor(epoch.id, batch.schema);
            writer = await this.#createWriter(epoch.id, name, batch.schema, offset > 0);
          }
          await writer.write(batch);
        }
        batch.close();
      }
      if (writer === undefined) return null;
      const { rows, bytes, checksum } = await writer.finish();
      await this.#staging.seal(epoch.id);
      return { rows, record: { file: { name, bytes, checksum }, offset } as unknown as Json };
    } catch (thrown) {
      writer?.abort();
      throw thrown;
    }
  }

  async publish({ record }: Staged, epoch: Epoch): Promise<Published> {
    const { file, offset } = record as unknown as AppendRecord;
    if (!this.#staging.isSealed(epoch.id) && (await this.#hasPublished(file, offset))) {
      return { files: [this.#path] };
    }
    await using staged = await open(await this.#staging.require(epoch.id, file), "r");
    const bytes = offset + file.bytes;
    await this.#token.claim(epoch.id, record, this.#durable ? undefined : { bytes, sha256: null });
    const isNew = (await sizeOf(this.#path)) === null;
    if (isNew && offset > 0) throw this.#conflict(`is gone, of which ${offset} bytes were written`);
    {
      await using target = await open(this.#path, isNew ? "wx+" : "r+");
      if (this.#durable || epoch.id > 0) await this.#requireOwnEnd(target, staged, file.bytes, offset);
      else if (!isNew && (await this.#state()) !== this.#before) {
        throw this.#conflict("has been written to by another sink or program since the run began");
      }
      await target.truncate(offset);
      await copy(staged, target, offset);
      await target.sync();
      if (!this.#durable) await this.#token.claim(epoch.id, record, await this.#ownBytes(target, offset, bytes));
    }
    if (isNew) await syncDirectory(dirname(this.#path));
    if (!this.#durable) this.#before = await this.#state();
    return { files: [this.#path] };
  }

  discard(epoch: number): Promise<void> {
    return this.#staging.discard(epoch);
  }

  close(): Promise<void> {
    return this.#staging.close();
  }

  /** A run without a checkpoint has a lineage of its own: the next one must be able to find what it stages. */
  async #announce(epoch: number): Promise<void> {
    if (this.#durable || epoch > 0) return;
    const { bytes, sha256 } = ((await this.#token.read())?.content ?? {
      bytes: 0,
      sha256: null,
    }) as unknown as OwnBytes;
    await this.#token.claim(epoch, null, { bytes, sha256 });
  }

  /** Throws `output-conflict` unless the file is, byte for byte, what an earlier run without a checkpoint has written. */
  async #requireOwnBytes(found: TokenContent | null): Promise<void> {
    const own = found?.content as unknown as OwnBytes | undefined;
    if (own !== undefined && own.sha256 === null) return;
    if (own !== undefined && (await sizeOf(this.#path)) === own.bytes) {
      await using file = await open(this.#path, "r");
      const hash = createHash("sha256");
      await hashBytes(hash, file, 0, own.bytes);
      if (hash.digest("hex") === own.sha256) return;
    }
    const how = `holds bytes that this sink did not write, and a run without a checkpoint would replace them. To add rows to them, name a checkpoint ("run": { "checkpoint": "./checkpoint" }); else give this sink a file of its own, or move that one away.`;
    throw outputConflict(this.#path, how);
  }

  /** What tells the file from one that was changed meanwhile; null when there is none. */
  async #state(): Promise<string | null> {
    const found = await stat(this.#path, { bigint: true }).catch(() => null);
    return found === null ? null : [found.dev, found.ino, found.size, found.mtimeNs].join(" ");
  }

  /**
   * Throws `output-missing` when the file is gone or empty, and `output-conflict` when it does not hold the rows that were
   * committed last, or ends before them.
   */
  async #requirePublished(size: number, epoch: number, record: Json | undefined): Promise<void> {
    if (size === 0) {
      if (this.#onMissing === "stop") throw missing(this.#path, epoch);
      return;
    }
    if (record == null) return;
    const { file, offset } = record as unknown as AppendRecord;
    const end = offset + file.bytes;
    if (size < end) throw this.#conflict(`has ${size} bytes, but ${end} were written up to epoch ${epoch}`);
    if (await this.#holds(file, offset)) return;
    throw this.#conflict(`holds other bytes in the place of the rows of epoch ${epoch}`);
  }

  async #ownBytes(file: FileHandle, offset: number, bytes: number): Promise<{ bytes: number; sha256: string }> {
    const isNext = this.#written.bytes === offset;
    const hash = isNext ? this.#written.hash : createHash("sha256");
    await hashBytes(hash, file, isNext ? offset : 0, bytes);
    this.#written = { bytes, hash };
    return { bytes, sha256: hash.copy().digest("hex") };
  }

  async #createWriter(epoch: number, name: string, schema: Schema, continues: boolean): Promise<FileWriter> {
    return (await this.#format()).createWriter!(this.#staging.path(epoch, name), schema, continues);
  }

  /** Whether the file ends with the bytes of an epoch, where an earlier run put them. */
  async #hasPublished(file: StagedFile, offset: number): Promise<boolean> {
    return (await sizeOf(this.#path)) === offset + file.bytes && this.#holds(file, offset);
  }

  /** Whether the bytes of an epoch stand in the file where an earlier run put them. */
  async #holds(file: StagedFile, offset: number): Promise<boolean> {
    // One name for all epochs: what a killed run leaves, the next one replaces.
    const copied = await this.#staging.room(0, "published");
    try {
      await using own = await open(this.#path, "r");
      await using copyOf = await open(copied, "w");
      await copy(own, copyOf, 0, offset, file.bytes);
    } catch (thrown) {
      await remove(copied);
      throw thrown;
    }
    const isHeld = await isSame(copied, file);
    await remove(copied);
    return isHeld;
  }

  /** Where the file ends; 0 where a new one is begun. Throws `output-conflict` when rows cannot follow what is there. */
  async #offsetFor(epoch: number, schema: Schema): Promise<number> {
    const size = (await sizeOf(this.#path)) ?? 0;
    if (size === 0 || (!this.#durable && epoch === 0)) return 0;
    if (this.#isOwn) return size;
    const name = "beginning";
    await (await this.#createWriter(epoch, name, schema, false)).finish();
    await using beginning = await open(this.#staging.path(epoch, name), "r");
    await using target = await open(this.#path, "r");
    const { size: length } = await beginning.stat();
    const [expected, found] = await Promise.all([slice(beginning, 0, length), slice(target, 0, length)]);
    if (!expected.equals(found))
      throw this.#conflict(`begins otherwise, where ${JSON.stringify(String(expected))} should be`);
    if (!(await slice(target, size - 1, 1)).equals(Buffer.from("\n")))
      throw this.#conflict("ends in the middle of a line");
    this.#isOwn = true;
    return size;
  }

  /**
   * What follows the offset may only be what an earlier attempt to publish these bytes has left: some of them, and zeros
   * where a power failure kept others from the disk.
   */
  async #requireOwnEnd(target: FileHandle, staged: FileHandle, bytes: number, offset: number): Promise<void> {
    const { size } = await target.stat();
    if (size < offset) throw this.#conflict(`has ${size} bytes, of which ${offset} were written`);
    if (size > offset + bytes) throw this.#conflict(`has grown by ${size - offset - bytes} bytes that are not ours`);
    for (let at = 0; offset + at < size; at += sliceBytes) {
      const [found, own] = await Promise.all([slice(target, offset + at, sliceBytes), slice(staged, at, sliceBytes)]);
      const isOurs = found.every((byte, index) => byte === own[index] || byte === 0);
      if (!isOurs) throw this.#conflict("has been written to by another program since the rows were staged");
    }
  }

  #conflict(how: string): OperatorError {
    return outputConflict(this.#path, `${how}. Give this sink a file of its own, or put the file back as it was.`);
  }
}

async function hashBytes(hash: Hash, file: FileHandle, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += sliceBytes) hash.update(await slice(file, at, Math.min(sliceBytes, to - at)));
}

/** Copies what follows `start` in a file, at most `length` bytes, to `offset` in the other. */
async function copy(
  from: FileHandle,
  to: FileHandle,
  offset: number,
  start = 0,
  length = Number.POSITIVE_INFINITY,
): Promise<void> {
  for (let at = 0; at < length; at += sliceBytes) {
    const bytes = await slice(from, start + at, Math.min(sliceBytes, length - at));
    if (bytes.length === 0) return;
    for (let written = 0; written < bytes.length;) {
      const { bytesWritten } = await to.write(bytes, written, bytes.length - written, offset + at + written);
      written += bytesWritten;
    }
  }
}

/** The bytes from `at` on, at most `length`; fewer at the end of the file. */
async function slice(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let read = 0;
  while (read < length) {
    const { bytesRead } = await file.read(buffer, read, length - read, at + read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return buffer.subarray(0, read);
}
