import { setTimeout as sleep } from "node:timers/promises";
import { type Connection, type Epoch, OperatorError } from "@sferic/operator";
import kafkajs, { type Admin, type IHeaders, type Message, type Producer } from "kafkajs";
import { kafkaClient } from "@sferic/connections/kafka/client";
import { kafkaError, unknownTopic } from "@sferic/connections/kafka/errors";
import type { Pace } from "./pace.ts";
import type { StagedRow } from "./staged-rows.ts";

/** How rows go into a topic. */
export interface TopicOptions {
  readonly topic: string;
  readonly partitioner: "key" | "round-robin";
  readonly compression: "none" | "gzip" | "zstd";
  /** For how long a request is tried again, in milliseconds. */
  readonly retryForMs: number;
  readonly createTopic?:
    | { readonly partitions: number; readonly replicas: number; readonly settings: Readonly<Record<string, string>> }
    | undefined;
}

/** Bytes of rows in a request: well below what a broker takes by default (1 MiB), also for one partition alone. */
const requestBytesMax = 512 * 1024;

/** More than a message needs beside its key, value and headers, also when it is alone in its request. */
const messageOverheadBytes = 128;

/** Longest time between the creation of a topic and its first leaders, in milliseconds. */
const newTopicMsMax = 15_000;

/** Writes messages into one topic by an idempotent producer: what is sent again because no answer came is there once. */
export class TopicWriter {
  readonly #connection: Connection;
  readonly #options: TopicOptions;
  #producer: Promise<Producer> | undefined;
  #requestBytes = requestBytesMax;

  constructor(connection: Connection, options: TopicOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** Sees to it that the topic is there. Fails within seconds when no broker answers. */
  async open(): Promise<void> {
    const admin = kafkaClient(this.#connection, { retries: 2, initialRetryTime: 200 }).admin();
    try {
      await admin.connect();
      await this.#ensureTopic(admin);
      this.#requestBytes = Math.min(requestBytesMax, await messageBytesMax(admin, this.#options.topic));
    } catch (thrown) {
      throw this.#error(thrown);
    } finally {
      await admin.disconnect().catch(() => {});
    }
  }

  /** Sends the rows in order and at their pace, with these headers and the index of the row as `sferic-index`. */
  async write(
    rows: AsyncIterable<readonly StagedRow[]>,
    headers: IHeaders,
    pace: Pace,
    { signal }: Epoch,
  ): Promise<void> {
    const producer = await this.#connected();
    const overhead = messageOverheadBytes + bytesOf(headers);
    let index = 0;
    for await (const piece of rows) {
      for (let start = 0; start < piece.length;) {
        signal.throwIfAborted();
        const allowed = await pace.allow(index, signal);
        const portion = this.#portion(piece, start, allowed, overhead);
        await settledOrAborted(this.#send(producer, portion, index, headers), signal);
        start += portion.length;
        index += portion.length;
      }
    }
    await pace.allow(index, signal);
  }

  async close(): Promise<void> {
    const producer = this.#producer;
    this.#producer = undefined;
    await producer?.then(
      (connected) => connected.disconnect(),
      () => {},
    );
  }

  async #ensureTopic(admin: Admin): Promise<void> {
    const { topic, createTopic } = this.#options;
    const topics = await admin.listTopics();
    if (topics.includes(topic)) return;
    if (createTopic === undefined) {
      const message = unknownTopic({ connection: this.#connection, topic });
      throw new OperatorError({ code: "unknown-topic", message, domain: "external" });
    }
    const { partitions, replicas, settings } = createTopic;
    const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
    const wanted = { topic, numPartitions: partitions, replicationFactor: replicas, configEntries };
    await admin.createTopics({ topics: [wanted], waitForLeaders: false });
    await untilLed(admin, topic);
  }

  #connected(): Promise<Producer> {
    return (this.#producer ??= this.#connect().catch((thrown: unknown) => {
      this.#producer = undefined;
      throw this.#error(thrown);
    }));
  }

  async #connect(): Promise<Producer> {
    const { retryForMs, partitioner } = this.#options;
    // Waiting times double from 0.1 s and stay at 1 s.
    const retries = 4 + Math.ceil(retryForMs / 1000);
    const retry = { initialRetryTime: 100, maxRetryTime: 1000, retries };
    const producer = kafkaClient(this.#connection, retry).producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: partitioner === "key" ? kafkajs.Partitioners.DefaultPartitioner : inTurn,
    });
    await producer.connect();
    return producer;
  }

  /** The rows from `start` on that fit into a request, at least one and at most so many. */
  #portion(rows: readonly StagedRow[], start: number, countMax: number, overhead: number): readonly StagedRow[] {
    let bytes = 0;
    let end = start;
    while (end < rows.length && end - start < countMax) {
      const { value, key } = rows[end]!;
      bytes += value.length + Buffer.byteLength(key ?? "") + overhead;
      if (end > start && bytes > this.#requestBytes) break;
      end += 1;
    }
    return rows.slice(start, end);
  }

  async #send(producer: Producer, rows: readonly StagedRow[], first: number, headers: IHeaders): Promise<void> {
    const { topic, compression } = this.#options;
    const messages = rows.map(({ key, value }, index): Message => ({
      key,
      value,
      headers: { ...headers, "sferic-index": String(first + index) },
    }));
    try {
      await producer.send({ topic, messages, acks: -1, compression: codecs[compression] });
    } catch (thrown) {
      throw isTooLarge(thrown) ? this.#tooLarge(rows, first, thrown) : this.#error(thrown);
    }
  }

  #tooLarge(rows: readonly StagedRow[], first: number, cause: unknown): OperatorError {
    const sizes = rows.map(({ value }) => value.length);
    const bytes = Math.max(...sizes);
    const message = `The topic "${this.#options.topic}" takes no message as large as row ${first + sizes.indexOf(bytes)} of the epoch, which is ${bytes} bytes. Raise "max.message.bytes" of the topic, turn on "compression", or select fewer columns.`;
    return new OperatorError({ code: "message-too-large", message }, { cause });
  }

  #error(thrown: unknown): OperatorError {
    return kafkaError(thrown, { connection: this.#connection, topic: this.#options.topic });
  }
}

const codecs = {
  none: kafkajs.CompressionTypes.None,
  gzip: kafkajs.CompressionTypes.GZIP,
  zstd: kafkajs.CompressionTypes.ZSTD,
} as const;

/** One partition after the other, whatever the key. */
function inTurn(): ReturnType<kafkajs.ICustomPartitioner> {
  let next = 0;
  return ({ partitionMetadata }) => partitionMetadata[next++ % partitionMetadata.length]!.partitionId;
}

function bytesOf(headers: IHeaders): number {
  return Object.entries(headers).reduce((sum, [name, value]) => sum + Buffer.byteLength(name + String(value)), 0);
}

function isTooLarge(thrown: unknown): boolean {
  const { type } = thrown as { type?: string };
  return type === "MESSAGE_TOO_LARGE" || type === "RECORD_LIST_TOO_LARGE";
}

/** Waits until every partition has a leader. Brokers may not know a topic for a moment after it was created. */
async function untilLed(admin: Admin, topic: string): Promise<void> {
  const until = Date.now() + newTopicMsMax;
  for (;;) {
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      if (topics.some(({ partitions }) => partitions.every(({ leader }) => leader >= 0))) return;
    } catch (thrown) {
      if (Date.now() > until) throw thrown;
    }
    if (Date.now() > until) throw new Error("the new topic has no leader yet");
    await sleep(50);
  }
}

/** The largest batch of messages that the topic takes, in bytes; Kafka's default where this user may not ask. */
async function messageBytesMax(admin: Admin, topic: string): Promise<number> {
  const name = "max.message.bytes";
  const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: [name] };
  const answer = await admin.describeConfigs({ resources: [resource], includeSynonyms: false }).catch(() => null);
  const value = answer?.resources[0]?.configEntries.find(({ configName }) => configName === name)?.configValue;
  return value === undefined ? requestBytesMax : Number(value);
}

/** The outcome of the work, or the abort if that comes first. */
async function settledOrAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
