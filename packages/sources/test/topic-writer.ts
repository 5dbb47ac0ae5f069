import { setTimeout as sleep } from "node:timers/promises";
import kafkajs, { type Admin, type Message, type Producer } from "kafkajs";

/** A message to write; what is left out is null or chosen by the library. */
export type Written = Partial<Omit<Message, "value">> & { readonly value: string | Buffer | null };

/** Writes topics of a broker from outside the source; disposing ends all its connections. */
export class TopicWriter implements AsyncDisposable {
  readonly admin: Admin;
  readonly kafka: kafkajs.Kafka;
  readonly #producer: Producer;

  private constructor(kafka: kafkajs.Kafka) {
    this.kafka = kafka;
    this.admin = kafka.admin();
    this.#producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  }

  static async connect(address: string, options: object = {}): Promise<TopicWriter> {
    const retry = { initialRetryTime: 100, maxRetryTime: 1000, retries: 30 };
    const kafka = new kafkajs.Kafka({ brokers: [address], logLevel: kafkajs.logLevel.NOTHING, retry, ...options });
    const writer = new TopicWriter(kafka);
    await writer.admin.connect();
    await writer.#producer.connect();
    return writer;
  }

  /** A new topic whose partitions answer: what is sent to one that does not may be there twice. */
  async create(topic: string, numPartitions = 1, settings: Readonly<Record<string, string>> = {}): Promise<void> {
    const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
    await this.admin.createTopics({ topics: [{ topic, numPartitions, configEntries }], waitForLeaders: false });
    const offsets = () => this.admin.fetchTopicOffsets(topic).catch(() => []);
    while ((await offsets()).length < numPartitions) await sleep(20);
  }

  /** Deletes a topic, and returns when it is gone. */
  async remove(topic: string): Promise<void> {
    await this.admin.deleteTopics({ topics: [topic] });
    while ((await this.admin.listTopics()).includes(topic)) await sleep(20);
  }

  /** One batch for each partition that messages go to. */
  async write(topic: string, messages: readonly Written[], codec = kafkajs.CompressionTypes.None): Promise<void> {
    await this.#producer.send({ topic, messages: messages as Message[], compression: codec });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#producer.disconnect();
    await this.admin.disconnect();
  }
}

/** Messages `{"n":0}`, `{"n":1}` … from one number up to another, which is left out. */
export function counted(from: number, until: number, own: Partial<Message> = {}): Written[] {
  return Array.from({ length: until - from }, (_, index) => ({ value: JSON.stringify({ n: from + index }), ...own }));
}
