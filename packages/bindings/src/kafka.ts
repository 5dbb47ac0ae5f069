import { type Batch, type DecodedMessages, type Messages, OperatorError, Schema } from "@sferic/operator";
import { fromHandle, handleOf, toSchema } from "./batch.ts";
import { cancellable } from "./cancel.ts";
import { unwrapped, unwrapping } from "./errors.ts";
import * as native from "./native.ts";

/** Record batches of one partition, as a broker answers a fetch. */
export interface FetchedPartition {
  readonly partition: number;
  /** The batches as the broker sent them; the last one may be cut off. */
  readonly records: Uint8Array;
  /** First offset wanted. */
  readonly from: bigint;
  /** The offset to stop before. */
  readonly until: bigint;
  /** Transactions that were given up, when only committed messages are wanted. */
  readonly aborted?: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[];
}

/** A message that another client has read. */
export interface PlainMessage {
  readonly offset: bigint;
  /** Since 1970; -1 for none. */
  readonly timestampMs: bigint;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly { readonly name: string; readonly value: Uint8Array | null }[];
}

/** What a message has beside its value. */
export type MessageMetadata = "timestamp" | "key" | "partition" | "offset" | "headers";

/** Names of columns, and what they hold. */
export type MetadataColumns = Readonly<Record<string, MessageMetadata>>;

/** A place in a topic. */
export interface TopicPosition {
  readonly partition: number;
  readonly offset: bigint;
}

/**
 * Messages of a topic, in the order of their partitions and offsets. They stay in the core, in the bytes they came in; this
 * object is a handle. Every method but `close` throws `messages-closed` afterwards.
 */
export class MessageSet implements Messages {
  readonly #native: native.NativeMessageSet;

  private constructor(handle: native.NativeMessageSet) {
    this.#native = handle;
  }

  /**
   * Reads record batches (message format 2; gzip, snappy, lz4 and zstd), partitions beside each other, off the event loop.
   * Takes a copy of the bytes at once. A partition ends before a batch that is cut off and, so that memory is bounded,
   * behind the batch in which its share of 2 million messages or 256 MiB of decompressed ones is reached: `next` tells.
   * Throws `corrupt-messages` (also for a wrong checksum), `old-message-format`, `messages-too-large` (a batch that unfolds
   * to more than 128 MiB).
   */
  static async parse(partitions: readonly FetchedPartition[], signal?: AbortSignal): Promise<MessageSet> {
    const given = partitions.map(({ aborted = [], ...partition }) => ({ ...partition, aborted: [...aborted] }));
    return new MessageSet(await cancellable(signal, (token) => native.parseMessages(given, token)));
  }

  /** Messages of a partition that another client has read, with the offset to go on from. Copies them. */
  static of(partition: number, messages: readonly PlainMessage[], next: bigint): MessageSet {
    const places: bigint[] = [];
    const lengths: number[] = [];
    const parts: Uint8Array[] = [];
    const add = (part: Uint8Array | null): void => {
      lengths.push(part === null ? -1 : part.length);
      if (part !== null) parts.push(part);
    };
    for (const { offset, timestampMs, key, value, headers } of messages) {
      places.push(offset, timestampMs);
      add(key);
      add(value);
      lengths.push(headers.length);
      for (const header of headers) {
        add(Buffer.from(header.name));
        add(header.value);
      }
    }
    const [offsets, sizes] = [BigInt64Array.from(places), Int32Array.from(lengths)];
    return new MessageSet(unwrapping(() => native.messagesOf(partition, offsets, sizes, Buffer.concat(parts), next)));
  }

  /** The handle for other calls into the core. */
  get native(): native.NativeMessageSet {
    return this.#native;
  }

  get count(): number {
    return unwrapping(() => this.#native.count);
  }

  get byteLength(): number {
    return unwrapping(() => this.#native.byteLength);
  }

  /** Per partition the offset to go on from: behind the last batch that was read, at most `until`. */
  get next(): readonly TopicPosition[] {
    return unwrapping(() => this.#native.next);
  }

  payload(index: number): Uint8Array | null {
    return unwrapping(() => this.#native.payload(index)) ?? null;
  }

  /** Where a message was. */
  position(index: number): TopicPosition {
    return unwrapping(() => this.#native.position(index));
  }

  /**
   * The rows with metadata behind them, of the types that {@link metadataSchema} tells. `taken` is the message of each row, by its
   * index; absent when every message gave one row. Closes `rows`.
   */
  withMetadata(rows: Batch, taken: Uint32Array | undefined, columns: MetadataColumns): Batch {
    try {
      return fromHandle(unwrapping(() => this.#native.withMetadata(handleOf(rows), taken, toNative(columns))));
    } finally {
      rows.close();
    }
  }

  close(): void {
    this.#native.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * The columns that metadata becomes: `timestamp` (`timestamp[us, UTC]`, null for none), `key` (`binary`, as it need not be
 * text; null for none), `partition` (`int32`), `offset` (`int64`), `headers` (`list<struct<key: utf8, value: binary>>`).
 */
export function metadataSchema(columns: MetadataColumns): Schema {
  return toSchema(unwrapping(() => native.metadataColumns(toNative(columns))));
}

/** The native handle of messages; `foreign-messages` for an object that only looks like some. */
export function messagesHandleOf(messages: Messages): native.NativeMessageSet {
  if (messages instanceof MessageSet) return messages.native;
  throw new OperatorError({
    code: "foreign-messages",
    message: "The messages were not made by this core.",
    domain: "internal",
  });
}

/** What the core decoded, as the contract has it. */
export function toDecodedMessages({ rows, taken, invalid }: native.NativeDecodedMessages): DecodedMessages {
  return { rows: fromHandle(rows), invalid, ...(taken === undefined ? {} : { taken }) };
}

function toNative(columns: MetadataColumns): native.NativeMetadataColumn[] {
  return Object.entries(columns).map(([name, kind]) => ({ name, kind }));
}

/** How rows of a file become messages. */
export interface StagedOptions {
  /** Path of the rows. */
  readonly rows: string;
  /** How rows are told apart: a line break ends each of them, or its length is before it (4 bytes, little-endian). */
  readonly framing: "newline" | "length";
  /** Path of as many lines, JSON objects of one field: text or a number is the key, null is none. Absent: no keys. */
  readonly keys?: string | undefined;
  /** Headers of every message. */
  readonly headers: Readonly<Record<string, string>>;
  /** Name of the header that holds the index of the row, from 0, as text. */
  readonly indexHeader: string;
  readonly partitionCount: number;
  /** `key`: as Kafka's Java client does for the key (murmur2), in turn without one. `round-robin`: in turn. */
  readonly partitioner: "key" | "round-robin";
  readonly compression: "none" | "gzip" | "snappy" | "lz4" | "zstd";
  /** Where a batch of several messages ends, in bytes before compression. */
  readonly batchBytes: number;
  /** What a batch may have, in bytes after compression: `max.message.bytes` of the topic. */
  readonly batchBytesMax: number;
}

/** A record batch (message format 2) without the stamp of its sending, see {@link stampBatch}. */
export interface EncodedBatch {
  readonly partition: number;
  readonly bytes: Uint8Array;
  /** How many messages it holds. */
  readonly count: number;
}

/**
 * Encodes the rows of a file as record batches, in pieces of at most 4 MiB, partitions beside each other. The same rows give the same
 * messages in the same partitions each time; a batch that compression would not make smaller is not compressed.
 */
export class StagedMessages {
  readonly #native: native.NativeStagedMessages;

  /** Opens the files. Throws `not-found`, `permission-denied`. */
  constructor({ headers, keys, ...options }: StagedOptions) {
    const given = Object.entries(headers).map(([name, value]) => ({ name, value }));
    const all = { ...options, headers: given, ...(keys === undefined ? {} : { keys }) };
    this.#native = unwrapping(() => native.openStagedMessages(all));
  }

  /**
   * The batches of the next rows, at most `messagesMax` (at least one); null when there are no more. The batches of a
   * partition are to be sent in the order they have. Throws `message-too-large`, with the `row` and its `bytes` in `details`,
   * and `invalid-file` for a file that was changed.
   */
  next(messagesMax?: number): Promise<readonly EncodedBatch[] | null> {
    return unwrapped(this.#native.next(Math.min(messagesMax ?? rowsUnbounded, rowsUnbounded)));
  }

  /** Closes the files. Closing twice is harmless. */
  close(): void {
    this.#native.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** More rows than a piece has. */
const rowsUnbounded = 2 ** 31;

/** What a batch gets when it is sent. */
export interface BatchStamp {
  /** As the brokers gave them. */
  readonly producerId: bigint;
  readonly producerEpoch: number;
  /** How many messages the producer has sent to the partition before, modulo 2³¹. */
  readonly baseSequence: number;
  /** The time of all messages of the batch, since 1970. */
  readonly timestampMs: number;
}

/** Writes the stamp and then the checksum into a batch, where it is; again is harmless. */
export function stampBatch(bytes: Uint8Array, stamp: BatchStamp): void {
  unwrapping(() => native.stampBatch(bytes, stamp));
}
