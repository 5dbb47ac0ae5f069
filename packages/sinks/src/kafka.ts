import { rm } from "node:fs/promises";
import { join } from "node:path";
import { checksumFile, createJson } from "@sferic/bindings/formats";
import { conformBatch } from "@sferic/bindings/reshape";
import {
  type Batch,
  column,
  type Connection,
  ConfigError,
  defineSink,
  durationField,
  type Epoch,
  type FileWriter,
  formatField,
  type Json,
  type OperatorContext,
  OperatorError,
  parseDuration,
  type PlanContext,
  type Published,
  Schema,
  type Sink,
  type Staged,
} from "@sferic/operator";
import { z } from "zod";
import { kafkaConnection } from "@sferic/connections/kafka";
import { EventTimesWriter, type TimeColumn, timeColumn, timeUnits } from "./kafka/event-times-writer.ts";
import { eventTimes, type Pace, rowsPerSecond, unpaced } from "./kafka/pace.ts";
import { requireStaged, type StagedContent } from "./staged-file.ts";
import type { TopicWriter } from "./kafka/topic-writer.ts";

const config = z
  .strictObject({
    topic: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,249}$/, 'must be 1 to 249 letters, digits, ".", "_" and "-"')
      .describe("Topic to write into."),
    format: formatField
      .default({ type: "json" })
      .describe("What a message holds: a row in this format. `json`: one object, with every column as a key."),
    key: z
      .string()
      .optional()
      .describe("Text or integer column whose value is the key of the message, as text; a null is no key."),
    headers: z
      .record(z.string().min(1), z.string())
      .default({})
      .describe("Headers of every message, beside `sferic-writer`, `sferic-epoch` and `sferic-index`."),
    partitioner: z
      .enum(["key", "round-robin"])
      .default("key")
      .describe(
        "`key`: the partition that Kafka's own clients choose for the key (murmur2), in turn without one. `round-robin`: in turn.",
      ),
    compression: z
      .enum(["none", "gzip", "snappy", "lz4", "zstd"])
      .default("none")
      .describe("How batches of messages are compressed."),
    rowsPerSecond: z
      .number()
      .positive()
      .optional()
      .describe("Most rows to send in a second; as fast as possible when left out."),
    paceBy: z
      .union([
        z.string().min(1),
        z.strictObject({
          column: z.string().min(1).describe("Column of timestamps, or of integers that count time."),
          unit: z.enum(timeUnits).optional().describe("What integers count."),
          speed: z
            .number()
            .positive()
            .default(1)
            .describe("How many times as fast as the times go by; a million sends as fast as possible, as good as."),
        }),
      ])
      .optional()
      .describe(
        "Timestamp column, or `{ column, unit, speed }`, where integers count time: a row is sent when as much time has passed since the first of its epoch as their times are apart, up to 20 ms later. Not with `rowsPerSecond`.",
      ),
    retryFor: durationField
      .default("1 minute")
      .describe("About how long to go on when brokers do not answer or have no leader, before the run fails."),
    createTopic: z
      .strictObject({
        partitions: z.int().min(1).describe("Number of partitions."),
        replicas: z.int().min(1).default(1).describe("Brokers that hold each partition."),
        settings: z.record(z.string(), z.string()).default({}).describe("Settings such as `retention.ms`."),
      })
      .optional()
      .describe(
        "Create the topic when there is none; one that is there stays as it is. A missing topic is an error when left out.",
      ),
  })
  .refine(
    ({ rowsPerSecond: rate, paceBy }) => rate === undefined || paceBy === undefined,
    'needs "rowsPerSecond" or "paceBy", not both',
  );

type Config = z.output<typeof config>;

/**
 * Rows into a topic of Apache Kafka, a message each, in the order of the rows. An epoch is staged as files beside the
 * checkpoint and sent by an idempotent producer, with all in-sync replicas acknowledging. The headers `sferic-writer`
 * (pipeline, history and sink), `sferic-epoch` and `sferic-index` are the same however often a row is sent.
 */
export const kafka = defineSink({
  type: "kafka",
  since: "0.1.0",
  status: "experimental",
  summary: "Write rows into a topic of Apache Kafka, a message per row.",
  delivery: {
    guarantee: "at-least-once",
    why: "a run that is killed while it sends an epoch sends all of it again; the headers `sferic-writer`, `sferic-epoch` and `sferic-index` are the same then, so that readers can drop what they have",
  },
  connection: kafkaConnection,
  config,
  errors: [
    "no-broker",
    "unknown-topic",
    "not-authenticated",
    "not-authorized",
    "invalid-topic",
    "message-too-large",
    "kafka-failed",
    "staged-missing",
    "disk-full",
    "permission-denied",
  ],
  examples: [
    { title: "A JSON object per row", config: { topic: "points", createTopic: { partitions: 4 } } },
    {
      title: "Keyed by a column, at most 5,000 rows a second",
      config: {
        topic: "points",
        key: "blob",
        compression: "zstd",
        rowsPerSecond: 5000,
        createTopic: { partitions: 4 },
      },
      data: "blobs",
    },
  ],
  accept: async ({ main }, c, context) => {
    if (c.key !== undefined) checkKey(main!, c.key);
    paceColumn(main!, c);
    await checkFormat(c, context);
  },
  create: (c, context) => new KafkaSink(c, context),
});

function checkKey(main: Schema, key: string): void {
  const { type } = main.requireOne(key, "any", "/key").column(key)!;
  if (/^(u?int(8|16|32|64)|(large_)?utf8|utf8_view|dictionary<.*utf8>)$/.test(type)) return;
  const message = `column "${key}" is ${type}, not text or an integer; convert it in a select before, with CAST("${key}" AS VARCHAR)`;
  throw new ConfigError([{ code: "column-type", message, pointer: "/key" }]);
}

/** The column that the rows are paced by; null for none. Throws {@link ConfigError} when it holds no times. */
function paceColumn(main: Schema, { paceBy }: Config): TimeColumn | null {
  if (paceBy === undefined) return null;
  const { column: name, unit, speed = 1 } = typeof paceBy === "string" ? { column: paceBy } : { ...paceBy };
  const pointer = typeof paceBy === "string" ? "/paceBy" : "/paceBy/column";
  const { type } = main.requireOne(name, "any", pointer).column(name)!;
  const found = timeColumn(name, type, unit);
  if (found !== null) return { ...found, unitsPerMs: found.unitsPerMs * speed };
  const advice = /^u?int64$/.test(type)
    ? `say what it counts: { "column": "${name}", "unit": "ns" }`
    : "convert it in a select before";
  const message = `column "${name}" is ${type}, not a timestamp; ${advice}`;
  throw new ConfigError([{ code: "column-type", message, pointer }]);
}

async function checkFormat({ format }: Config, context: PlanContext): Promise<void> {
  const { rowFraming } = await context.format(format);
  if (rowFraming !== undefined) return;
  const message = `"${format.type}" as it is set here has no bytes for a single row; use { "type": "json" } or "flatbuffers"`;
  throw new ConfigError([{ code: "format-without-rows", message, pointer: "/format" }]);
}

/** Where an epoch is staged. */
interface StagedFiles {
  readonly rows: string;
  readonly keys?: string;
  /** When rows are due, as {@link EventTimesWriter} writes it. */
  readonly times?: string;
}

/** What writes the files of an epoch. */
interface EpochWriters {
  readonly rows: FileWriter;
  readonly keys?: FileWriter;
  readonly times?: EventTimesWriter;
}

class KafkaSink implements Sink {
  readonly #config: Config;
  readonly #context: OperatorContext;
  readonly #connection: Connection;
  #topic: Promise<TopicWriter> | undefined;
  /** Epoch that this process staged last, whose bytes need no second look. */
  #sealed: number | undefined;

  constructor(c: Config, context: OperatorContext) {
    const { connection, operatorId } = context;
    if (connection === undefined) {
      const message = `The sink "${operatorId}" needs a connection of the type "kafka".`;
      throw new OperatorError({ code: "missing-connection", message });
    }
    this.#config = c;
    this.#context = context;
    this.#connection = connection;
  }

  async open(): Promise<void> {
    await (await this.#writer()).open();
  }

  async stage(batches: AsyncIterable<Batch>, epoch: Epoch): Promise<Staged | null> {
    const files = this.#files(epoch.id);
    let writers: EpochWriters | undefined;
    try {
      for await (const batch of batches) {
        if (batch.rowCount > 0) await this.#write(batch, (writers ??= await this.#writers(files, batch.schema)));
        batch.close();
      }
      if (writers === undefined) return null;
      const [{ rows }] = await Promise.all([writers.rows.finish(), writers.keys?.finish(), writers.times?.finish()]);
      const contents = Object.entries(files).map(async ([what, path]) => [what, await checksumFile(path)] as const);
      this.#sealed = epoch.id;
      return { rows, record: Object.fromEntries(await Promise.all(contents)) as unknown as Json };
    } catch (thrown) {
      writers?.rows.abort();
      writers?.keys?.abort();
      await writers?.times?.abort();
      throw thrown;
    }
  }

  async publish({ record }: Staged, epoch: Epoch): Promise<Published> {
    const { rows, keys, times } = await this.#requireStaged(record, epoch.id);
    const { pipeline, history, operatorId } = this.#context;
    const headers = {
      ...this.#config.headers,
      "sferic-writer": `${pipeline}@${history}/${operatorId}`,
      "sferic-epoch": String(epoch.id),
    };
    const { rowFraming } = await this.#context.format(this.#config.format);
    await (await this.#writer()).write({ rows, keys, framing: rowFraming! }, headers, this.#pace(times), epoch);
    return { files: [`${this.#connection.name}/${this.#config.topic}`] };
  }

  /** Paths of what is staged. Throws `staged-missing` when one is not what was prepared. */
  async #requireStaged(record: Json, epoch: number): Promise<StagedFiles> {
    const files = this.#files(epoch);
    if (this.#sealed === epoch) return files;
    for (const [what, path] of Object.entries(files)) {
      // Earlier versions have put paths into the record, without checksums.
      const content = (record as Record<string, string | StagedContent>)[what];
      await requireStaged(path, typeof content === "object" ? content : null);
    }
    return files;
  }

  async discard(epoch: number): Promise<void> {
    for (const path of Object.values(this.#files(epoch))) await rm(path, { force: true });
  }

  async close(): Promise<void> {
    await (await this.#topic)?.close();
  }

  /** The client library is loaded for those who use it. */
  #writer(): Promise<TopicWriter> {
    const options = { ...this.#config, retryForMs: parseDuration(this.#config.retryFor) };
    return (this.#topic ??= import("./kafka/topic-writer.ts").then(
      (loaded) => new loaded.TopicWriter(this.#connection, options),
    ));
  }

  #pace(times: string | undefined): Pace {
    if (times !== undefined) return eventTimes(times);
    const { rowsPerSecond: rate } = this.#config;
    return rate === undefined ? unpaced : rowsPerSecond(rate);
  }

  async #writers({ rows, keys, times }: StagedFiles, schema: Schema): Promise<EpochWriters> {
    const format = await this.#context.format(this.#config.format);
    const pace = paceColumn(schema, this.#config);
    return {
      rows: await format.createWriter!(rows, schema),
      ...(keys === undefined ? {} : { keys: await createJson(keys, this.#keySchema(schema), { layout: "lines" }) }),
      ...(times === undefined || pace === null ? {} : { times: new EventTimesWriter(times, pace) }),
    };
  }

  async #write(batch: Batch, { rows, keys, times }: EpochWriters): Promise<void> {
    await rows.write(batch);
    await times?.write(batch);
    if (keys === undefined) return;
    const own = conformBatch(batch.share(), this.#keySchema(batch.schema));
    await keys.write(own);
    own.close();
  }

  #keySchema(schema: Schema): Schema {
    const { name, type, nullable } = schema.column(this.#config.key!)!;
    return new Schema([column(name, type, { nullable })]);
  }

  #files(epoch: number): StagedFiles {
    const file = (ending: string): string =>
      join(this.#context.scratchDirectory, `${String(epoch).padStart(10, "0")}.${ending}`);
    const { key, paceBy } = this.#config;
    return {
      rows: file("rows"),
      ...(key === undefined ? {} : { keys: file("keys") }),
      ...(paceBy === undefined ? {} : { times: file("times") }),
    };
  }
}
