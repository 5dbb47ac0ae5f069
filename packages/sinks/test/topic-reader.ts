import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import kafkajs, { type Admin, type Kafka } from "kafkajs";

/** A message as a reader sees it. */
export interface ReadMessage {
  readonly partition: number;
  readonly key: string | null;
  readonly value: string;
  readonly bytes: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly timestampMs: number;
}

/** How many messages each partition of a topic has, by its number. */
export type Ends = readonly number[];

/** Reads topics of a broker from outside the sink; disposing ends all its connections. */
export class TopicReader implements AsyncDisposable {
  readonly admin: Admin;
  readonly #kafka: Kafka;
  readonly #topics = new Map<string, { messages: ReadMessage[][]; close(): Promise<void> }>();

  private constructor(kafka: Kafka) {
    this.#kafka = kafka;
    this.admin = kafka.admin();
  }

  static async connect(address: string): Promise<TopicReader> {
    const reader = new TopicReader(new kafkajs.Kafka({ brokers: [address], logLevel: kafkajs.logLevel.NOTHING }));
    await reader.admin.connect();
    return reader;
  }

  /** Where the partitions of a topic end now; nothing where there is no topic. */
  async ends(topic: string): Promise<Ends> {
    if (!(await this.admin.listTopics()).includes(topic)) return [];
    const offsets = await this.#offsets(topic);
    return offsets.toSorted((a, b) => a.partition - b.partition).map(({ high }) => Number(high));
  }

  /** All messages up to the ends of now, and after `from`: by partition, in their order. */
  async read(topic: string, from: Ends = []): Promise<ReadMessage[]> {
    const ends = await this.ends(topic);
    if (ends.length === 0) return [];
    const { messages } = await this.#followed(topic);
    while (ends.some((end, partition) => (messages[partition]?.length ?? 0) < end)) await sleep(10);
    return ends.flatMap((end, partition) => (messages[partition] ?? []).slice(from[partition] ?? 0, end));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#topics.values()].map(({ close }) => close()));
    await this.admin.disconnect();
  }

  /** The client does not repeat this question when a partition has no leader yet, or none for a moment. */
  async #offsets(topic: string, attempts = 50): ReturnType<Admin["fetchTopicOffsets"]> {
    try {
      return await this.admin.fetchTopicOffsets(topic);
    } catch (thrown) {
      if (attempts === 0 || (thrown as { retriable?: boolean }).retriable !== true) throw thrown;
      await sleep(200);
      return this.#offsets(topic, attempts - 1);
    }
  }

  async #followed(topic: string): Promise<{ messages: ReadMessage[][] }> {
    const known = this.#topics.get(topic);
    if (known !== undefined) return known;
    const consumer = this.#kafka.consumer({ groupId: randomUUID() });
    const messages: ReadMessage[][] = [];
    const followed = { messages, close: () => consumer.disconnect() };
    this.#topics.set(topic, followed);
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: ({ batch, heartbeat }) => {
        for (const { key, value, headers = {}, timestamp } of batch.messages) {
          (messages[batch.partition] ??= []).push({
            partition: batch.partition,
            key: key?.toString() ?? null,
            value: value!.toString(),
            bytes: value!,
            headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, String(text)])),
            timestampMs: Number(timestamp),
          });
        }
        return heartbeat();
      },
    });
    return followed;
  }
}
