import { setTimeout as sleep } from "node:timers/promises";
import { csv } from "@sferic/formats/csv";
import { json } from "@sferic/formats/json";
import {
  type Bounds,
  type Connection,
  type InvalidInput,
  isBatch,
  type Json,
  type Offset,
  rowsOf,
  type Row,
  type Source,
} from "@sferic/operator";
import {
  describeSource,
  epochOf,
  type KafkaBroker,
  kafkaBroker,
  operatorContext,
  planContext,
  temporaryFolder,
} from "@sferic/testkit";
import kafkajs from "kafkajs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { counted, TopicWriter } from "../test/topic-writer.ts";
import { kafka } from "./kafka.ts";

let broker: KafkaBroker;
let writer: TopicWriter;

beforeAll(async () => {
  broker = await kafkaBroker({ "log.cleaner.backoff.ms": "200" });
  writer = await TopicWriter.connect(broker.address);
});

afterAll(async () => {
  await writer[Symbol.asyncDispose]();
  await broker[Symbol.asyncDispose]();
});

const connection = (own: object = {}): Connection => ({
  name: "broker",
  config: kafka.connection!.config.parse({ brokers: [broker.address], ...own }),
});

const format = { type: "json", schema: { n: "int64" } };

let topics = 0;

/** A name that no other test has. */
const newTopic = (): string => `topic-${(topics += 1)}`;

describeSource({
  definition: kafka,
  onePortion: { rowsPerEpoch: 5 },
  connection,
  arrange: async (_, portionCount) => {
    const topic = newTopic();
    await writer.create(topic);
    await writer.write(topic, counted(0, 5 * portionCount));
    return { config: { topic, format, metadata: { at: "timestamp", offset: "offset" } }, formats: [json] };
  },
  arrangeExamples: async () => {
    if (!(await writer.admin.listTopics()).includes("readings")) {
      await writer.create("readings", 2);
      await writer.write("readings", [{ value: '{"station":"a","celsius":20.5}' }]);
    }
    return { formats: [json] };
  },
  portionsAheadMax: 10,
});

interface Read {
  readonly rows: readonly Row[];
  readonly invalid: readonly InvalidInput["invalid"][];
}

/** An open source; disposing closes it. */
class Opened implements AsyncDisposable {
  readonly #source: Source;
  #at: Offset | null = null;

  private constructor(source: Source) {
    this.#source = source;
  }

  static async on(topic: string, config: Readonly<Record<string, Json>> = {}, to = connection()): Promise<Opened> {
    await using folder = await temporaryFolder();
    const context = operatorContext({ directory: folder.path, formats: [json], connection: to, operatorId: "in" });
    const source = kafka.create(kafka.config.parse({ topic, format, ...config }), context);
    await source.open?.([]);
    return new Opened(source);
  }

  get source(): Source {
    return this.#source;
  }

  /** Plans the next epoch; null when there is nothing new. */
  plan(bounds: Bounds = {}): Promise<Offset | null> {
    return this.#source.latestOffset(this.#at, bounds);
  }

  /** Reads one epoch of all there is within the bounds. */
  async next(bounds: Bounds = {}): Promise<Read> {
    const end = await this.plan(bounds);
    if (end === null) return { rows: [], invalid: [] };
    const start = this.#at;
    this.#at = JSON.parse(JSON.stringify(end)) as Offset;
    return this.range(start, this.#at);
  }

  async range(start: Offset | null, end: Offset, signal?: AbortSignal): Promise<Read> {
    const rows: Row[] = [];
    const invalid: InvalidInput["invalid"][] = [];
    for await (const output of this.#source.read(start, end, epochOf(0, signal))) {
      if ("invalid" in output) invalid.push(output.invalid);
      else if (isBatch(output)) {
        rows.push(...rowsOf(output));
        output.close();
      }
    }
    return { rows, invalid };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source.close?.();
  }
}

const numbersOf = ({ rows }: Read): number[] => rows.map(({ n }) => Number(n));
const sorted = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b);
const range = (from: number, until: number): number[] =>
  Array.from({ length: until - from }, (_, index) => from + index);

/** Every rule of a reader, kept by both. */
describe.each(["raw", "kafkajs"] as const)("the reader %s", (reader) => {
  const on = (topic: string, config: Readonly<Record<string, Json>> = {}): Promise<Opened> =>
    Opened.on(topic, { reader, ...config });

  it("gives time, key, partition, offset and headers of a message", async () => {
    const topic = newTopic();
    await writer.create(topic, 2);
    const headers = { kind: "test", list: ["a", "b"] };
    await writer.write(topic, [{ partition: 1, key: "k", value: '{"n":7}', timestamp: "1767225600123", headers }]);
    const metadata = { at: "timestamp", key: "key", partition: "partition", offset: "offset", headers: "headers" };
    await using opened = await on(topic, { metadata });
    const { rows } = await opened.next();
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ n: 7, at: expect.stringMatching(/^2026-01-01T00:00:00\.123/), partition: 1 });
    expect(rows[0]).toMatchObject({ offset: 0, key: Buffer.from("k").toString("hex") });
    expect(JSON.stringify(rows[0]!["headers"])).toContain("kind");
  });

  it.each(["uncompressed", "gzip", "zstd", ...(reader === "raw" ? ["snappy", "lz4"] : [])])(
    "reads batches that the broker's own library has packed: %s",
    async (codec) => {
      const topic = newTopic();
      await writer.create(topic, 3, { "compression.type": codec });
      for (let from = 0; from < 3000; from += 1000) await writer.write(topic, counted(from, from + 1000));
      await using opened = await on(topic);
      expect(sorted(numbersOf(await opened.next()))).toEqual(range(0, 3000));
    },
  );

  it("reads the parts of many partitions that an epoch may have, as fair as they lag, and no offset twice", async () => {
    const topic = newTopic();
    await writer.create(topic, 50);
    const all = range(0, 40).flatMap((partition) => counted(partition * 25, partition * 25 + 25, { partition }));
    await writer.write(topic, all);
    await using opened = await on(topic, { metadata: { partition: "partition" } });
    const epochs: Read[] = [];
    for (let read = await opened.next({ rowsPerEpoch: 400 }); read.rows.length > 0;) {
      epochs.push(read);
      read = await opened.next({ rowsPerEpoch: 400 });
    }
    expect(epochs.map(({ rows }) => rows.length)).toEqual([400, 400, 200]);
    const ofFirst = Map.groupBy(epochs[0]!.rows, ({ partition }) => partition);
    expect([...ofFirst.values()].map((rows) => rows.length)).toEqual(Array.from({ length: 40 }, () => 10));
    expect(sorted(epochs.flatMap(numbersOf))).toEqual(range(0, 1000));
  });

  it("gives no message of a transaction that was given up, or is open, unless told", async () => {
    const topic = newTopic();
    await writer.create(topic);
    const retry = { retries: 30 };
    const options = { transactionalId: topic, maxInFlightRequests: 1, idempotent: true, retry };
    const producer = writer.kafka.producer({ ...options, createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
    await producer.connect();
    // Two given up in a row by one producer, which lie in one answer.
    for (const [n, end] of [
      [0, "abort"],
      [1, "commit"],
      [2, "abort"],
      [3, "abort"],
      [4, "commit"],
    ] as const) {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [{ value: `{"n":${n}}` }, { value: `{"n":${n}}` }] });
      await transaction[end]();
    }
    const open = await producer.transaction();
    await open.send({ topic, messages: [{ value: '{"n":5}' }] });
    await using committed = await on(topic);
    await using uncommitted = await on(topic, { isolation: "uncommitted" });
    expect(numbersOf(await committed.next())).toEqual([1, 1, 4, 4]);
    expect(numbersOf(await uncommitted.next())).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5]);
    await open.commit();
    while ((await committed.plan()) === null) await sleep(20);
    expect(numbersOf(await committed.next())).toEqual([5]);
    expect(numbersOf(await uncommitted.next())).toEqual([]);
    await producer.disconnect();
  });

  it("passes over the gaps of a compacted topic", async () => {
    const topic = newTopic();
    const settings = { "cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.001" };
    await writer.create(topic, 1, settings);
    await using opened = await on(topic, { metadata: { offset: "offset" } });
    for (let round = 0; round < 3; round += 1) {
      await writer.write(
        topic,
        range(0, 5).map((key) => ({ key: String(key), value: `{"n":${round * 5 + key}}` })),
      );
      await sleep(150);
    }
    await writer.write(topic, [{ key: "end", value: '{"n":99}' }]);
    const compacted = async (): Promise<boolean> => {
      await using again = await Opened.on(topic);
      return (await again.next()).rows.length === 6;
    };
    while (!(await compacted())) await sleep(200);
    const end = await opened.plan();
    expect(end).toMatchObject({ end: ["16"] });
    expect(numbersOf(await opened.range(null, end!))).toEqual([10, 11, 12, 13, 14, 99]);
    expect(numbersOf(await opened.range(null, { ...(end as object), end: ["7"] }))).toEqual([]);
  });

  it("reads the same rows again after a restart, however the bounds cut them", async () => {
    const topic = newTopic();
    await writer.create(topic, 2);
    for (let from = 0; from < 100; from += 10) await writer.write(topic, counted(from, from + 10));
    await using first = await on(topic);
    const one = await first.source.latestOffset(null, { rowsPerEpoch: 33 });
    const two = await first.source.latestOffset(one, { rowsPerEpoch: 33 });
    const once = await first.range(one, two!);
    await using second = await on(topic);
    expect(once.rows).toHaveLength(33);
    expect(sorted(numbersOf(await second.range(one, two!)))).toEqual(sorted(numbersOf(once)));
  });

  it("goes on when the broker is killed while it reads, and comes back", { timeout: 300_000 }, async () => {
    const topic = newTopic();
    await writer.create(topic, 4);
    const pad = "x".repeat(1000);
    for (let from = 0; from < 40_000; from += 1000) {
      await writer.write(
        topic,
        range(from, from + 1000).map((n) => ({ value: JSON.stringify({ n, pad }) })),
      );
    }
    await using opened = await on(topic);
    const end = await opened.plan();
    const found: number[] = [];
    let isKilled = false;
    for await (const output of opened.source.read(null, end!, epochOf())) {
      if (!isBatch(output)) continue;
      found.push(...rowsOf(output).map(({ n }) => Number(n)));
      output.close();
      if (isKilled) continue;
      isKilled = true;
      await broker.kill();
      setTimeout(() => void broker.start(), 500);
    }
    expect([found.length, new Set(found).size]).toEqual([40_000, 40_000]);
  });

  it("tells of messages that retention has taken, or stops", async () => {
    const topic = newTopic();
    await writer.create(topic);
    await writer.write(topic, counted(0, 20));
    await using stopping = await on(topic);
    await using going = await on(topic, { onDataLoss: "continue" });
    const end = await going.plan();
    await writer.admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "12" }] });
    const failure = stopping.range(null, end!);
    await expect(failure).rejects.toMatchObject({ code: "data-loss", domain: "external" });
    await expect(failure).rejects.toThrow(/The messages 0 to 11 of partition 0 .* begins at 12 now\..*"onDataLoss"/);
    const read = await going.range(null, end!);
    expect(numbersOf(read)).toEqual(range(12, 20));
    expect(read.invalid).toMatchObject([{ name: `${topic}/0`, position: 0 }]);
  });

  it("stops within a second when it is told to", { retry: 2 }, async () => {
    const topic = newTopic();
    await writer.create(topic);
    await writer.write(topic, counted(0, 5));
    await using opened = await on(topic);
    const end = await opened.plan();
    const abort = new AbortController();
    const beyond = { ...(end as object), end: ["1000"] };
    const read = opened.range(null, beyond, abort.signal);
    setTimeout(() => abort.abort(), 300);
    const started = performance.now();
    await expect(read).rejects.toMatchObject({ name: "AbortError" });
    expect(performance.now() - started).toBeLessThan(1500);
  });

  it("says that a topic ends before it should", async () => {
    const topic = newTopic();
    await writer.create(topic);
    await writer.write(topic, counted(0, 5));
    await using opened = await on(topic, { retryFor: "3 seconds" });
    const beyond = { ...((await opened.plan()) as object), end: ["1000"] };
    const failure = opened.range(null, beyond);
    await expect(failure).rejects.toThrow(/messages 5 to 999 of partition 0 .* ends before/);
  });
});

it("reads nothing of an empty topic, and what comes later once", async () => {
  const topic = newTopic();
  await writer.create(topic, 3);
  await using opened = await Opened.on(topic);
  expect(await opened.plan()).toBeNull();
  await writer.write(topic, counted(0, 10));
  expect(sorted(numbersOf(await opened.next()))).toEqual(range(0, 10));
  expect(await opened.plan()).toBeNull();
});

it("reads partitions that are added from their beginning", async () => {
  const topic = newTopic();
  await writer.create(topic);
  await using opened = await Opened.on(topic, { startAt: "latest" });
  expect(await opened.next()).toEqual({ rows: [], invalid: [] });
  await writer.write(topic, counted(0, 2));
  expect(numbersOf(await opened.next())).toEqual([0, 1]);
  await writer.admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
  while ((await writer.admin.fetchTopicOffsets(topic).catch(() => [])).length < 3) await sleep(50);
  // The library drops messages for partitions that its producer does not know yet.
  await using other = await TopicWriter.connect(broker.address);
  await other.write(topic, counted(2, 4, { partition: 2 }));
  expect(numbersOf(await opened.next())).toEqual([2, 3]);
});

it.each([
  ["the latest message", "latest", [9]],
  ["a time", { timestamp: "2026-01-01T00:00:05Z" }, [5, 6, 7, 8, 9]],
  ["a time after all messages", { timestamp: "2030-01-01T00:00:00Z" }, [9]],
  ["offsets", { offsets: { "0": 7 } }, [7, 8, 9]],
  ["the earliest message", "earliest", range(0, 10)],
] as const)("begins at %s", async (_, startAt, expected) => {
  const topic = newTopic();
  await writer.create(topic);
  const stamped = (n: number) => ({ value: `{"n":${n}}`, timestamp: String(Date.UTC(2026, 0, 1) + n * 1000) });
  await writer.write(topic, range(0, 9).map(stamped));
  await using opened = await Opened.on(topic, { startAt });
  const first = await opened.next();
  await writer.write(topic, [stamped(9)]);
  expect([...numbersOf(first), ...numbersOf(await opened.next())]).toEqual(expected);
});

it.each(["latest", { timestamp: "2100-01-01T00:00:00Z" }])(
  "records that it begins at %j when it reads nothing, and goes on from there in another process",
  async (startAt) => {
    const topic = newTopic();
    await writer.create(topic);
    await writer.write(topic, counted(0, 3));
    await using first = await Opened.on(topic, { startAt });
    const begin = await first.plan();
    expect(begin).toMatchObject({ begin: ["3"], end: ["3"] });
    expect(await first.source.latestOffset(null, {}, begin!)).toEqual(begin);
    expect(await first.range(null, begin!)).toEqual({ rows: [], invalid: [] });
    await writer.admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] });
    while ((await writer.admin.fetchTopicOffsets(topic).catch(() => [])).length < 2) await sleep(50);
    await using other = await TopicWriter.connect(broker.address);
    await other.write(topic, [...counted(3, 5, { partition: 0 }), ...counted(5, 7, { partition: 1 })]);
    await using second = await Opened.on(topic, { startAt });
    const end = await second.source.latestOffset(begin, {});
    expect(sorted(numbersOf(await second.range(begin, end!)))).toEqual([3, 4, 5, 6]);
    expect(await second.source.latestOffset(end, {})).toBeNull();
  },
);

it("waits for an offset that lies ahead of the end", async () => {
  const topic = newTopic();
  await writer.create(topic, 2);
  await writer.write(topic, [...counted(0, 5, { partition: 0 }), ...counted(5, 6, { partition: 1 })]);
  await using opened = await Opened.on(topic, { startAt: { offsets: { "0": 7 } } });
  expect(numbersOf(await opened.next())).toEqual([5]);
  await writer.write(topic, counted(6, 11, { partition: 0 }));
  expect(numbersOf(await opened.next())).toEqual([8, 9, 10]);
});

it("tells that a partition ends before what was read of it, and reads what comes then", async () => {
  const topic = newTopic();
  await writer.create(topic);
  await writer.write(topic, counted(0, 5));
  const options = { retryFor: "1 second" };
  await using going = await Opened.on(topic, { ...options, onDataLoss: "continue" });
  const before = { ...((await going.plan()) as object), end: ["10"] };
  const after = await going.source.latestOffset(before, {});
  expect(after).toMatchObject({ end: ["5"] });
  const { invalid } = await going.range(before, after!);
  expect(invalid).toMatchObject([{ name: `${topic}/0`, position: 5, reason: expect.stringContaining("ends at 5") }]);
  expect(await going.source.latestOffset(after, {})).toBeNull();
  await using stopping = await Opened.on(topic, options);
  await expect(stopping.source.latestOffset(before, {})).rejects.toMatchObject({ code: "data-loss" });
});

it("stops at a topic that was created anew, or begins anew when told", async () => {
  const topic = newTopic();
  await writer.create(topic);
  await writer.write(topic, counted(0, 5));
  await using stopping = await Opened.on(topic);
  await using going = await Opened.on(topic, { onDataLoss: "continue" });
  await Promise.all([stopping.next(), going.next()]);
  await writer.remove(topic);
  await writer.create(topic);
  await writer.write(topic, counted(5, 12));
  await expect(stopping.next()).rejects.toMatchObject({ code: "data-loss" });
  await expect(stopping.next()).rejects.toThrow(/was deleted and created anew/);
  const read = await going.next();
  expect(numbersOf(read)).toEqual(range(5, 12));
  expect(read.invalid).toMatchObject([{ name: topic, reason: expect.stringMatching(/deleted and created anew/) }]);
});

it("tells that a topic was created anew although it is empty, once", async () => {
  const topic = newTopic();
  await writer.create(topic);
  await writer.write(topic, counted(0, 5));
  await using going = await Opened.on(topic, { onDataLoss: "continue" });
  await going.next();
  await writer.remove(topic);
  await writer.create(topic);
  expect(await going.next()).toMatchObject({ rows: [], invalid: [{ name: topic }] });
  expect(await going.plan()).toBeNull();
});

it("tells a message that it cannot decode by its place, with its bytes", async () => {
  const topic = newTopic();
  await writer.create(topic);
  const bad = '{"n": "twelve"}';
  await writer.write(topic, [{ value: '{"n":1}' }, { value: bad }, { value: null }, { value: '{"n":2}' }]);
  await using opened = await Opened.on(topic);
  const read = await opened.next();
  expect(numbersOf(read)).toEqual([1, 2]);
  expect(read.invalid).toMatchObject([
    { name: `${topic}/0`, position: 1, isPart: true, values: { partition: 0, offset: "1" } },
    { name: `${topic}/0`, position: 2, values: { offset: "2", payload: null } },
  ]);
  expect(read.invalid[0]!.values!["payload"]).toBe(Buffer.from(bad).toString("hex"));
});

it("puts down for its group how far it has read, and nothing else", async () => {
  const topic = newTopic();
  await writer.create(topic, 2);
  await writer.write(topic, counted(0, 5, { partition: 1 }));
  await using opened = await Opened.on(topic, { group: "dashboard" });
  const end = await opened.plan();
  await opened.source.acknowledge!(end!);
  await opened.source.acknowledge!(end!);
  const [found] = await writer.admin.fetchOffsets({ groupId: "dashboard", topics: [topic] });
  const offsets = found!.partitions.toSorted((a, b) => a.partition - b.partition);
  expect(offsets.map(({ offset }) => offset)).toEqual(["0", "5"]);
});

it("the reader kafkajs says that it cannot unpack snappy", async () => {
  const topic = newTopic();
  await writer.create(topic, 1, { "compression.type": "snappy" });
  await writer.write(topic, counted(0, 5));
  await using opened = await Opened.on(topic, { reader: "kafkajs", retryFor: "2 seconds" });
  const failure = opened.next();
  await expect(failure).rejects.toMatchObject({ code: "unsupported-compression" });
  await expect(failure).rejects.toThrow(/Use the reader "raw"/);
});

describe("says what is wrong and what to do when", () => {
  it("no broker answers", async () => {
    const failure = Opened.on("any", { retryFor: "1 second" }, connection({ brokers: ["127.0.0.1:1"] }));
    await expect(failure).rejects.toMatchObject({ code: "no-broker", retry: "backoff", domain: "external" });
  });

  it("there is no such topic", async () => {
    const failure = Opened.on("nowhere", { retryFor: "1 second" });
    await expect(failure).rejects.toMatchObject({ code: "unknown-topic" });
  });
});

describe("a plan is refused when", () => {
  const output = (config: Readonly<Record<string, Json>>) =>
    kafka.output(
      kafka.config.parse({ topic: "t", format, ...config }),
      planContext({ directory: "/", formats: [json, csv] }),
    );

  it.each([
    [{ format: { type: "json" } }, "format-without-messages", "/format"],
    [{ format: { type: "csv" } }, "format-without-messages", "/format"],
    [{ metadata: { n: "offset" } }, "duplicate-column", "/metadata/n"],
  ])("its source says %j", async (config, code, pointer) => {
    await expect(output(config)).rejects.toMatchObject({ problems: [{ code, pointer }] });
  });
});
