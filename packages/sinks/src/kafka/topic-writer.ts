import { setTimeout as sleep } from "node:timers/promises";
import { StagedMessages } from "@sferic/bindings/kafka";
import { kafkaClient } from "@sferic/connections/kafka/client";
import { kafkaError, unknownTopic } from "@sferic/connections/kafka/errors";
import { Topic } from "@sferic/connections/kafka/topic";
import { type Connection, type Epoch, OperatorError } from "@sferic/operator";
import kafkajs, { type Admin } from "kafkajs";
import { BatchSender } from "./batch-sender.ts";
import { type Pace, unpaced } from "./pace.ts";

/** How rows go into a topic. */
export interface TopicOptions {
  readonly topic: string;
  readonly partitioner: "key" | "round-robin";
  readonly compression: "none" | "gzip" | "snappy" | "lz4" | "zstd";
  /** For how long a request is tried again, in milliseconds. */
  readonly retryForMs: number;
  readonly createTopic?:
    | { readonly partitions: number; readonly replicas: number; readonly settings: Readonly<Record<string, string>> }
    | undefined;
}

/** The rows of an epoch, as they were staged. */
export interface StagedEpoch {
  readonly rows: string;
  readonly keys?: string | undefined;
  /** How the rows are told apart. */
  readonly framing: "newline" | "length";
}

/** Where a batch of messages ends, in bytes before it is compressed. */
const batchBytes = 512 * 1024;

/** What a topic takes as a batch, in bytes, when nothing else is known: Kafka's default. */
const batchBytesMaxDefault = 1_048_588;

/** Longest time between the creation of a topic and its first leaders, in milliseconds. */
const newTopicMsMax = 15_000;

/** Writes messages into one topic by an idempotent producer: what is sent again because no answer came is there once. */
export class TopicWriter {
  readonly #connection: Connection;
  readonly #options: TopicOptions;
  readonly #topic: Topic;
  #sender: BatchSender | undefined;
  #batchBytesMax = batchBytesMaxDefault;

  constructor(connection: Connection, options: TopicOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#topic = new Topic(connection, options.topic, options.retryForMs);
  }

  /** Sees to it that the topic is there. Fails within seconds when no broker answers. */
  async open(): Promise<void> {
    const admin = kafkaClient(this.#connection, { retries: 2, initialRetryTime: 200 }).admin();
    try {
      await admin.connect();
      await this.#ensureTopic(admin);
      this.#batchBytesMax = await batchBytesMaxOf(admin, this.#options.topic);
    } catch (thrown) {
      throw this.#error(thrown);
    } finally {
      await admin.disconnect().catch(() => {});
    }
  }

  /** Sends the rows in order and at their pace, with these headers and the index of the row as `sferic-index`. */
  async write(
    staged: StagedEpoch,
    headers: Readonly<Record<string, string>>,
    pace: Pace,
    { signal }: Epoch,
  ): Promise<void> {
    const { partitions } = await this.#topic.describe(signal);
    const { partitioner, compression, retryForMs } = this.#options;
    const batches = { batchBytes: Math.min(batchBytes, this.#batchBytesMax), batchBytesMax: this.#batchBytesMax };
    const layout = { partitionCount: partitions.length, partitioner, compression, ...batches };
    using messages = new StagedMessages({ ...staged, ...layout, headers, indexHeader: "sferic-index" });
    this.#sender ??= new BatchSender(this.#topic, retryForMs);
    try {
      await send(messages, this.#sender, pace, signal);
    } catch (thrown) {
      // Its numbers have gaps now.
      this.#sender = undefined;
      throw signal.aborted ? thrown : this.#error(thrown);
    }
  }

  async close(): Promise<void> {
    await this.#topic.close();
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

  #error(thrown: unknown): OperatorError {
    const { code, type, details, message } = thrown as Partial<OperatorError & { type: string }>;
    const { topic } = this.#options;
    const advice = `Raise "max.message.bytes" of the topic, turn on "compression", or select fewer columns.`;
    const tooLarge = (what: string): OperatorError =>
      new OperatorError({ code: "message-too-large", message: `${what} ${advice}` }, { cause: thrown });
    if (code === "message-too-large" && details !== undefined) {
      const { row, bytes } = details;
      return tooLarge(
        `The topic "${topic}" takes no message as large as row ${String(row)} of the epoch, which is ${String(bytes)} bytes.`,
      );
    }
    if (type === "MESSAGE_TOO_LARGE" || type === "RECORD_LIST_TOO_LARGE") {
      return tooLarge(`The topic "${topic}" takes no batch of messages as large as one of the epoch: ${message}.`);
    }
    return kafkaError(thrown, { connection: this.#connection, topic });
  }
}

/** Sends what the pace allows, piece by piece. */
async function send(messages: StagedMessages, sender: BatchSender, pace: Pace, signal: AbortSignal): Promise<void> {
  let index = 0;
  for (;;) {
    const allowed = await pace.allow(index, signal);
    const batches = await messages.next(allowed);
    if (batches === null) break;
    await sender.send(batches, signal);
    // Many a piece may pass before the next answer is awaited, and at a pace that is long.
    if (pace !== unpaced) await sender.flush(signal);
    index += batches.reduce((sum, { count }) => sum + count, 0);
  }
  await sender.flush(signal);
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
async function batchBytesMaxOf(admin: Admin, topic: string): Promise<number> {
  const name = "max.message.bytes";
  const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: [name] };
  const answer = await admin.describeConfigs({ resources: [resource], includeSynonyms: false }).catch(() => null);
  const value = answer?.resources[0]?.configEntries.find(({ configName }) => configName === name)?.configValue;
  return value === undefined ? batchBytesMaxDefault : Number(value);
}
