import { type MessageMetadata, MessageSet, metadataSchema } from "@sferic/bindings/kafka";
import { kafkaConnection } from "@sferic/connections/kafka";
import type { Topic, TopicState } from "@sferic/connections/kafka/topic";
import {
  type Bounds,
  column,
  ConfigError,
  type Connection,
  defineSource,
  durationField,
  type Epoch,
  type Format,
  formatField,
  type InvalidInput,
  type Json,
  type Offset,
  type OperatorContext,
  OperatorError,
  parseDuration,
  type PlanContext,
  Schema,
  type Source,
} from "@sferic/operator";
import { z } from "zod";
import { fairShares, type KafkaOffset, rangesBetween } from "./kafka/offsets.ts";
import type { LostRange, MessageReader, PartitionRange } from "./kafka/reader.ts";

const metadataKinds = [
  "timestamp",
  "key",
  "partition",
  "offset",
  "headers",
] as const satisfies readonly MessageMetadata[];

const config = z.strictObject({
  topic: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,249}$/, 'must be 1 to 249 letters, digits, ".", "_" and "-"')
    .describe("Topic to read."),
  format: formatField.describe("What the value of a message holds: `flatbuffers`, or `json` with a `schema`."),
  startAt: z
    .union([
      z.enum(["earliest", "latest"]),
      z.strictObject({
        timestamp: z.iso.datetime({ offset: true }).describe("The first message at or after this time."),
      }),
      z.strictObject({
        offsets: z
          .record(z.string().regex(/^\d{1,6}$/, "must be the number of a partition"), z.int().min(0))
          .describe("Offset to begin at, by partition; the earliest for a partition that is not named."),
      }),
    ])
    .default("earliest")
    .describe(
      "Where the first run on a checkpoint begins: `earliest`, `latest`, `{ timestamp }` or `{ offsets }`. The first run records it, also when it reads nothing. Partitions that are added later are read from their beginning.",
    ),
  metadata: z
    .record(z.string().min(1), z.enum(metadataKinds))
    .default({})
    .describe(
      "Columns beside those of the format: name to `timestamp` (of the message), `key`, `partition`, `offset` or `headers`.",
    ),
  onDataLoss: z
    .enum(["stop", "continue"])
    .default("stop")
    .describe(
      "When messages are gone that were to be read, or the topic was created anew: `stop` the run, or `continue` with what is there and tell it on `invalid`.",
    ),
  isolation: z
    .enum(["committed", "uncommitted"])
    .default("committed")
    .describe("Whether messages of transactions that are open or were given up are left out."),
  group: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Consumer group under which the offsets of committed epochs are put down, for those who watch its lag. It is never read.",
    ),
  reader: z
    .enum(["raw", "kafkajs"])
    .default("raw")
    .describe(
      "`raw`: batches of messages as the brokers keep them, unpacked by the core. `kafkajs`: by the consumer of that library, several times slower and without `lz4` and `snappy`; for comparison.",
    ),
  retryFor: durationField
    .default("1 minute")
    .describe("About how long to go on when brokers do not answer or have no leader, before the run fails."),
});

type Config = z.output<typeof config>;

/** How long to wait for a broker when a run begins, in milliseconds. */
const openMsMax = 5000;

/** Columns of the port `invalid`. The first two are null for a row that is invalid for its time. */
const invalidColumns = new Schema([
  column("partition", "int32", { nullable: true }),
  column("offset", "int64", { nullable: true }),
  column("reason", "utf8"),
  column("payload", "binary", { nullable: true }),
]);

/**
 * Messages of a topic of Apache Kafka, each read once; those of a partition in their order. Sferic's own checkpoint holds the
 * offsets, so no group of readers is needed, and a range that was planned is read again exactly after a crash. The bound
 * `rowsPerEpoch` counts offsets, of all partitions together, shared as fairly as they lag behind; offsets without a
 * message, which compaction and transactions leave, count too. A message that cannot be decoded goes to `invalid` with its
 * partition, offset, reason and payload. Needs brokers of version 2.8 or later.
 */
export const kafka = defineSource({
  type: "kafka",
  since: "0.1.0",
  status: "experimental",
  summary: "Read the messages of a topic of Apache Kafka, each exactly once.",
  connection: kafkaConnection,
  config,
  bounds: () => ["rowsPerEpoch"],
  positionFields: ["topic"],
  errors: [
    "no-broker",
    "unknown-topic",
    "not-authenticated",
    "not-authorized",
    "data-loss",
    "corrupt-messages",
    "old-message-format",
    "messages-too-large",
    "unsupported-compression",
    "kafka-failed",
  ],
  examples: [
    {
      title: "JSON objects, with the time of the message and its place",
      config: {
        topic: "readings",
        format: { type: "json", schema: { station: "utf8", celsius: "float64" } },
        metadata: { received: "timestamp", partition: "partition", offset: "offset" },
      },
    },
    {
      title: "What came since a day, whatever of it is lost",
      config: {
        topic: "readings",
        startAt: { timestamp: "2026-01-01T00:00:00Z" },
        onDataLoss: "continue",
        format: { type: "json", schema: { station: "utf8", celsius: "float64" } },
      },
    },
  ],
  output: async (c, context) => ({ main: await planSchema(c, context), invalid: invalidColumns }),
  create: (c, context) => new KafkaSource(c, context),
});

async function planSchema({ format: config, metadata }: Config, context: PlanContext): Promise<Schema> {
  const format = await context.format(config);
  if (format.decodeMessages === undefined || format.schema === undefined) {
    const message = `"${config.type}" as it is set here cannot read single messages; "flatbuffers" can, and "json" with a "schema"`;
    throw new ConfigError([{ code: "format-without-messages", message, pointer: "/format" }]);
  }
  const own = format.schema;
  const problems = Object.keys(metadata)
    .filter((name) => own.column(name) !== undefined)
    .map((name) => ({
      code: "duplicate-column",
      message: `the messages have a column "${name}" too; give the metadata another name`,
      pointer: `/metadata/${name}`,
      keyRange: true,
    }));
  const main = new Schema([...own.columns, ...metadataSchema(metadata).columns]);
  if (problems.length > 0) throw new ConfigError(problems, { main, invalid: invalidColumns });
  return main;
}

class KafkaSource implements Source {
  readonly #config: Config;
  readonly #context: OperatorContext;
  readonly #connection: Connection;
  readonly #closed = new AbortController();
  #topic: Topic | undefined;
  #reader: MessageReader | undefined;
  #format: Format | undefined;
  /** Where a history without any offset begins, once that was found out. */
  #begin: Pick<KafkaOffset, "topicId" | "begin"> | undefined;

  constructor(c: Config, context: OperatorContext) {
    const { connection, operatorId } = context;
    if (connection === undefined) {
      const message = `The source "${operatorId}" needs a connection of the type "kafka".`;
      throw new OperatorError({ code: "missing-connection", message });
    }
    this.#config = c;
    this.#context = context;
    this.#connection = connection;
  }

  /** Fails within seconds when no broker answers or the topic is not there. */
  async open(): Promise<void> {
    const { topic, retryFor, format } = this.#config;
    const retryForMs = parseDuration(retryFor);
    // The client library is loaded for those who use it.
    const { Topic } = await import("@sferic/connections/kafka/topic");
    this.#format = await this.#context.format(format);
    this.#topic = new Topic(this.#connection, topic, retryForMs);
    this.#reader = await this.#readerOf(this.#topic, retryForMs);
    await this.#topic.describe(this.#closed.signal, Math.min(openMsMax, retryForMs));
  }

  async latestOffset(previous: Offset | null, { rowsPerEpoch }: Bounds, until?: Offset): Promise<Offset | null> {
    const { signal } = this.#closed;
    const before = previous as unknown as KafkaOffset | null;
    const last = until as unknown as KafkaOffset | undefined;
    const state = await this.#topic!.describe(signal);
    if (before !== null && before.topicId !== state.id) this.#requireContinue(this.#createdAnew());
    if (last !== undefined && last.topicId !== state.id) return null;
    const known = before?.topicId === state.id ? before : null;
    const begin = await this.#beginOf(state, known, before !== null, signal);
    const ends = await this.#endsOf(state, known, signal);
    const ranges = rangesBetween(known, { topicId: state.id, begin, end: ends.map(String) });
    const lags = ranges.map(({ partition, from, until: end }) => {
      const most = last === undefined ? end : BigInt(last.end[partition] ?? from);
      const to = most < end ? most : end;
      return to > from ? to - from : 0n;
    });
    const shares = fairShares(lags, rowsPerEpoch);
    const end = ranges.map(({ partition, from, until: present }) => {
      // What a partition has lost at its end is not read when it comes to have so many messages again.
      return String(present < from && this.#isRead(known, partition) ? present : from + shares[partition]!);
    });
    const isNews = this.#isNews(before, { topicId: state.id, begin, end });
    if (shares.every((share) => share === 0n) && !isNews) return null;
    return { topicId: state.id, begin, end } satisfies KafkaOffset as unknown as Offset;
  }

  /** Whether an offset is to be recorded although nothing is to be read: where a stream begins, or what it has lost. */
  #isNews(before: KafkaOffset | null, { topicId, end }: KafkaOffset): boolean {
    const { startAt } = this.#config;
    if (before === null) return startAt === "latest" || (typeof startAt === "object" && "timestamp" in startAt);
    return (
      before.topicId !== topicId || before.end.some((offset, partition) => BigInt(end[partition]!) < BigInt(offset))
    );
  }

  /** Whether messages of a partition may have been passed; not where a spec's offset is ahead of its end. */
  #isRead(known: KafkaOffset | null, partition: number): boolean {
    const end = known?.end[partition];
    const { startAt } = this.#config;
    const isGiven = typeof startAt === "object" && "offsets" in startAt && end === known?.begin[partition];
    return end !== undefined && !isGiven;
  }

  async *read(start: Offset | null, end: Offset, { signal }: Epoch): ReturnType<Source["read"]> {
    const to = end as unknown as KafkaOffset;
    const topic = this.#topic!;
    if ((await topic.describe(signal)).id !== to.topicId) {
      yield this.#lost(this.#createdAnew());
      return;
    }
    const before = start as unknown as KafkaOffset | null;
    if (before !== null && before.topicId !== to.topicId) yield this.#lost(this.#createdAnew());
    const ranges = rangesBetween(before, to);
    for (const { partition, from, until } of ranges.filter((range) => range.until < range.from)) {
      yield this.#lost(this.#endsEarly(partition, until, from), { partition, from: until, until: from });
    }
    for await (const messages of this.#reader!.read(ranges, signal)) {
      if (messages instanceof MessageSet) yield* this.#decoded(messages, signal);
      else yield this.#lost(this.#gone(messages), messages);
    }
    // Offsets of another topic say nothing, and a topic can be created anew while it is read.
    if ((await topic.describe(signal)).id !== to.topicId) yield this.#lost(this.#createdAnew());
  }

  async acknowledge(end: Offset): Promise<void> {
    const { group } = this.#config;
    if (group === undefined) return;
    const offsets = (end as unknown as KafkaOffset).end.map((offset, partition) => ({
      partition,
      offset: BigInt(offset),
    }));
    await this.#topic!.commit(group, offsets, this.#closed.signal);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#reader?.close();
    await this.#topic?.close();
  }

  async #readerOf(topic: Topic, retryForMs: number): Promise<MessageReader> {
    const { topic: name, isolation, reader } = this.#config;
    if (reader === "kafkajs") {
      const { KafkajsReader } = await import("./kafka/kafkajs-reader.ts");
      return new KafkajsReader(this.#connection, topic, name, isolation, retryForMs);
    }
    const { RawReader } = await import("./kafka/raw-reader.ts");
    return new RawReader(topic, isolation, retryForMs);
  }

  async *#decoded(messages: MessageSet, signal: AbortSignal): ReturnType<Source["read"]> {
    try {
      const { rows, taken, invalid } = await this.#format!.decodeMessages!(messages, signal);
      for (const { index, reason } of invalid) yield this.#invalid(messages, index, reason);
      yield messages.withMetadata(rows, taken, this.#config.metadata);
      yield { bytesRead: messages.byteLength };
    } finally {
      messages.close();
    }
  }

  #invalid(messages: MessageSet, index: number, reason: string): InvalidInput {
    const { partition, offset } = messages.position(index);
    const payload = messages.payload(index);
    return {
      invalid: {
        name: this.#nameOf(partition),
        reason,
        position: Number(offset),
        isPart: true,
        values: {
          partition,
          offset: String(offset),
          reason,
          payload: payload === null ? null : Buffer.from(payload).toString("hex"),
        },
      },
    };
  }

  #nameOf(partition: number): string {
    return `${this.#config.topic}/${partition}`;
  }

  /** Where the partitions begin: as before; new ones at their beginning, and all of a new history where the spec says. */
  async #beginOf(
    { id, partitions }: TopicState,
    known: KafkaOffset | null,
    hasHistory: boolean,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const remembered = known ?? (this.#begin?.topicId === id ? this.#begin : undefined);
    const missing = partitions.slice(remembered?.begin.length ?? 0);
    if (remembered !== undefined && missing.length === 0) return remembered.begin;
    const isNew = remembered === undefined && !hasHistory;
    const found = isNew ? await this.#starts(missing, signal) : await this.#offsets(missing, "earliest", signal);
    const begin = [...(remembered?.begin ?? []), ...found];
    this.#begin = { topicId: id, begin };
    return begin;
  }

  async #starts(partitions: readonly number[], signal: AbortSignal): Promise<string[]> {
    const { startAt } = this.#config;
    if (typeof startAt === "string") return this.#offsets(partitions, startAt, signal);
    if ("timestamp" in startAt)
      return this.#offsets(partitions, { timestampMs: Date.parse(startAt.timestamp) }, signal);
    const earliest = await this.#offsets(partitions, "earliest", signal);
    return earliest.map((offset, partition) => String(startAt.offsets[String(partition)] ?? offset));
  }

  async #offsets(partitions: readonly number[], place: Parameters<Topic["offsets"]>[1], signal: AbortSignal) {
    const found = await this.#topic!.offsets(partitions, place, this.#config.isolation, signal);
    return partitions.map((partition) => String(found.get(partition)!));
  }

  /** Where the partitions end now. One that ends before it once did is asked again for a while. */
  async #endsOf({ partitions }: TopicState, known: KafkaOffset | null, signal: AbortSignal): Promise<bigint[]> {
    const topic = this.#topic!;
    const endsNow = async (): Promise<bigint[]> => (await this.#offsets(partitions, "latest", signal)).map(BigInt);
    const isShort = (end: bigint, partition: number): boolean =>
      this.#isRead(known, partition) && end < BigInt(known!.end[partition]!);
    const ends = await topic.settled(endsNow, (found) => !found.some(isShort), signal);
    const short = ends.findIndex(isShort);
    if (short !== -1) this.#requireContinue(this.#endsEarly(short, ends[short]!, known!.end[short]!));
    return ends;
  }

  #endsEarly(partition: number, end: bigint, from: bigint | string): string {
    return `Partition ${partition} of the topic "${this.#config.topic}" ends at ${end}, and was read up to ${from}.`;
  }

  #createdAnew(): string {
    return `The topic "${this.#config.topic}" was deleted and created anew since it was planned to be read.`;
  }

  #gone({ partition, from, until, reason }: LostRange): string {
    return `The messages ${from} to ${until - 1n} of partition ${partition} of the topic "${this.#config.topic}" are gone: ${reason}.`;
  }

  /** Throws, or tells of the loss where the run is to go on. */
  #lost(message: string, range?: PartitionRange): InvalidInput {
    this.#requireContinue(message);
    const { topic } = this.#config;
    const place: Readonly<Record<string, Json>> =
      range === undefined ? {} : { partition: range.partition, offset: String(range.from) };
    return {
      invalid: {
        name: range === undefined ? topic : this.#nameOf(range.partition),
        reason: message,
        position: range === undefined ? null : Number(range.from),
        isPart: true,
        values: { ...place, reason: message },
      },
    };
  }

  #requireContinue(message: string): void {
    if (this.#config.onDataLoss === "continue") return;
    const advice = `To go on with what is there, set "onDataLoss": "continue" on the source "${this.#context.operatorId}"; to begin anew, reset the checkpoint.`;
    throw new OperatorError({ code: "data-loss", message: `${message} ${advice}`, domain: "external" });
  }
}
