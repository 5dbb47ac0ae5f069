import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { batches } from "@sferic/bindings/batch";
import { flatbuffers } from "@sferic/formats/flatbuffers";
import { json } from "@sferic/formats/json";
import { csv } from "@sferic/formats/csv";
import { type Batch, column, type Connection, type Json, schema, type Sink } from "@sferic/operator";
import {
  describeSink,
  epochOf,
  type KafkaBroker,
  kafkaBroker,
  operatorContext,
  planContext,
  streamOf,
  temporaryFolder,
} from "@sferic/testkit";
import { ByteBuffer } from "flatbuffers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Ends, TopicReader } from "../test/topic-reader.ts";
import { kafka } from "./kafka.ts";

let broker: KafkaBroker;
let reader: TopicReader;

beforeAll(async () => {
  broker = await kafkaBroker({
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
  });
  reader = await TopicReader.connect(broker.address);
});

afterAll(async () => {
  await reader[Symbol.asyncDispose]();
  await broker[Symbol.asyncDispose]();
});

const connection = (address = broker.address): Connection => ({
  name: "broker",
  config: kafka.connection!.config.parse({ brokers: [address] }),
});

/** Messages that a topic had when a folder of the suite was new. */
const before = new Map<string, Ends>();

describeSink({
  definition: kafka,
  config: { topic: "suite", key: "blob", createTopic: { partitions: 2 } },
  formats: [json],
  connection,
  arrange: async (directory) => void before.set(directory, await reader.ends("suite")),
  visible: async (directory) => {
    const messages = await reader.read("suite", before.get(directory));
    return messages.map(({ key, value, headers }) => JSON.stringify([key, value, headers["sferic-index"]]));
  },
});

interface Opened extends AsyncDisposable {
  readonly sink: Sink;
  /** Stages and publishes. */
  write(rows: Batch, epoch?: number): Promise<void>;
}

/** A sink in a folder of its own, open; disposing closes it. */
async function opened(config: Readonly<Record<string, Json>>, to = connection()): Promise<Opened> {
  const folder = await temporaryFolder();
  const context = operatorContext({
    directory: folder.path,
    formats: [json, flatbuffers],
    connection: to,
    operatorId: "send",
  });
  await mkdir(context.scratchDirectory);
  const sink = kafka.create(kafka.config.parse(config), context);
  await sink.open?.();
  return {
    sink,
    write: async (rows, epoch = 0) => {
      const staged = await sink.stage(streamOf([rows]), epochOf(epoch), {});
      await sink.publish(staged!, epochOf(epoch));
    },
    [Symbol.asyncDispose]: async () => {
      await sink.close?.();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const numbers = (count: number, text = ""): Batch =>
  batches.fromRows(
    schema([column("n", "int64"), column("text", "utf8")]),
    Array.from({ length: count }, (_, n) => ({ n, text })),
  );

const keyed = (keys: readonly (string | null)[]): Batch =>
  batches.fromRows(
    schema([column("id", "utf8", { nullable: true })]),
    keys.map((id) => ({ id })),
  );

describe("a message", () => {
  it("is a JSON object of the row, with headers that tell it from every other", async () => {
    await using out = await opened({ topic: "objects", headers: { kind: "test" }, createTopic: { partitions: 1 } });
    await out.write(numbers(2, 'a "word"\nü'), 3);
    expect(await reader.read("objects")).toEqual(
      [0, 1].map((n) => ({
        partition: 0,
        key: null,
        value: `{"n":${n},"text":"a \\"word\\"\\nü"}`,
        headers: { kind: "test", "sferic-writer": "p@h/send", "sferic-epoch": "3", "sferic-index": String(n) },
        bytes: expect.any(Buffer),
        timestampMs: expect.any(Number),
      })),
    );
  });

  it("goes to the partition that Kafka's own clients choose for its key", async () => {
    // Hashes from the tests of Kafka's Java client.
    const hashes = {
      "21": -973932308,
      foobar: -790332482,
      "a-little-bit-long-string": -985981536,
      "a-little-bit-longer-string": -1486304829,
      lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58897971,
      abc: 479470107,
    };
    await using out = await opened({ topic: "keys", key: "id", createTopic: { partitions: 16 } });
    await out.write(keyed(Object.keys(hashes)));
    const found = (await reader.read("keys")).map(({ key, partition }) => [key, partition]);
    const expected = Object.entries(hashes).map(([key, hash]) => [key, (hash & 0x7fff_ffff) % 16]);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
  });

  it("has as its key the text of an integer with all its digits, the text behind escapes, and none for a null", async () => {
    await using out = await opened({ topic: "texts", key: "id", createTopic: { partitions: 1 } });
    await out.write(keyed(['"quoted"\n', null, ""]), 0);
    const large = batches.fromRows(schema([column("id", "uint64")]), [{ id: "18446744073709551615" }]);
    await out.write(large, 1);
    const keys = (await reader.read("texts")).map(({ key }) => key);
    expect(keys).toEqual(['"quoted"\n', null, "", "18446744073709551615"]);
  });

  it("is a FlatBuffers message without its length, where the format says so", async () => {
    const format = { type: "flatbuffers", schema: { text: "table Point { n: long; text: string; } root_type Point;" } };
    await using out = await opened({ topic: "buffers", format, createTopic: { partitions: 1 } });
    await out.write(numbers(3, "abc"));
    const values = (await reader.read("buffers")).map(({ bytes }) => {
      const message = new ByteBuffer(bytes);
      const root = message.position() + message.readInt32(message.position());
      const place = (field: number): number => root + message.__offset(root, 4 + 2 * field);
      // A default, 0, is not written.
      const n = message.__offset(root, 4) === 0 ? 0n : message.readInt64(place(0));
      return [n, message.__string(place(1))];
    });
    expect(values).toEqual([0n, 1n, 2n].map((n) => [n, "abc"]));
  });

  it("may be larger than all that is read at a time", async () => {
    const settings = { "max.message.bytes": "5000000" };
    await using out = await opened({ topic: "large", createTopic: { partitions: 1, settings } });
    await out.write(numbers(3, "x".repeat(1_500_000)));
    const values = (await reader.read("large")).map(({ value }) => JSON.parse(value) as { n: number; text: string });
    expect(values.map(({ n, text }) => [n, text.length])).toEqual([0, 1, 2].map((n) => [n, 1_500_000]));
  });

  it.each(["gzip", "snappy", "lz4", "zstd"])("can be compressed with %s", async (compression) => {
    // The broker unpacks and packs again what it gets, into what the reader knows.
    const settings = { "compression.type": compression === "gzip" ? "zstd" : "gzip" };
    await using out = await opened({ topic: compression, compression, createTopic: { partitions: 1, settings } });
    await out.write(numbers(1000, "y".repeat(100)));
    expect(await reader.read(compression)).toHaveLength(1000);
  });
});

it("goes round the partitions, whatever the key, when told so", async () => {
  const partitioner = "round-robin";
  await using out = await opened({ topic: "turns", key: "id", partitioner, createTopic: { partitions: 3 } });
  await out.write(keyed(Array.from({ length: 9 }, () => "same")));
  expect(await reader.ends("turns")).toEqual([3, 3, 3]);
});

it("sends no more rows in a second than told", async () => {
  await using out = await opened({ topic: "paced", rowsPerSecond: 200, createTopic: { partitions: 1 } });
  const started = performance.now();
  await out.write(numbers(200));
  const seconds = (performance.now() - started) / 1000;
  expect(seconds).toBeGreaterThan(0.9);
  expect(await reader.ends("paced")).toEqual([200]);
});

describe("sends rows as far apart as their times", { retry: 2 }, () => {
  /** Milliseconds from the beginning to each message, as the broker stamped them when they came. */
  const arrivals = async (config: Readonly<Record<string, Json>>, rows: Batch): Promise<number[]> => {
    const topic = `paced-${randomUUID()}`;
    const settings = { "message.timestamp.type": "LogAppendTime" };
    await using out = await opened({ topic, ...config, createTopic: { partitions: 1, settings } });
    const started = Date.now();
    await out.write(rows);
    return (await reader.read(topic)).map(({ timestampMs }) => timestampMs - started);
  };
  const expectAbout = (found: readonly number[], expected: readonly number[]): void => {
    expect(found).toHaveLength(expected.length);
    for (const [index, ms] of expected.entries()) {
      expect(found[index], `of row ${index}`).toBeGreaterThan(ms - 5);
      expect(found[index], `of row ${index}`).toBeLessThan(ms + 1500);
    }
  };

  it("in a timestamp column, with one at once that has none or comes after a later one", async () => {
    const times = ["00.000", "00.400", null, "00.100", "01.000"];
    const rows = batches.fromRows(
      schema([column("at", "timestamp[us, UTC]", { nullable: true })]),
      times.map((time) => ({ at: time === null ? null : `2026-01-01T00:00:${time}Z` })),
    );
    expectAbout(await arrivals({ paceBy: "at" }, rows), [0, 400, 400, 400, 1000]);
  });

  it("in a column that counts nanoseconds", async () => {
    const rows = batches.fromRows(
      schema([column("ns", "uint64")]),
      ["1767225600000000000", "1767225600300000000"].map((ns) => ({ ns })),
    );
    expectAbout(await arrivals({ paceBy: { column: "ns", unit: "ns" } }, rows.share()), [0, 300]);
    expectAbout(await arrivals({ paceBy: { column: "ns", unit: "ns", speed: 0.5 } }, rows), [0, 600]);
  });
});

it("ends within a second of an abort while it waits for its pace", { retry: 2 }, async () => {
  await using out = await opened({ topic: "aborted", rowsPerSecond: 1, createTopic: { partitions: 1 } });
  const abort = new AbortController();
  const staged = await out.sink.stage(streamOf([numbers(100)]), epochOf(0), {});
  const published = out.sink.publish(staged!, epochOf(0, abort.signal));
  setTimeout(() => abort.abort(), 300);
  const started = performance.now();
  await expect(published).rejects.toMatchObject({ name: "AbortError" });
  expect(performance.now() - started).toBeLessThan(1300);
});

it(
  "loses and doubles nothing when the broker is killed while an epoch is sent, and comes back",
  { timeout: 300_000 },
  async () => {
    const count = 20_000;
    await using out = await opened({ topic: "survives", rowsPerSecond: 4000, createTopic: { partitions: 4 } });
    const written = out.write(numbers(count));
    const isUnderWay = async (): Promise<boolean> => (await reader.ends("survives")).some((end) => end > 100);
    while (!(await isUnderWay()));
    await broker.kill();
    await broker.start();
    await written;
    const indexes = (await reader.read("survives")).map(({ headers }) => Number(headers["sferic-index"]));
    expect(indexes.toSorted((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, index) => index));
  },
);

describe("says what is wrong and what to do when", () => {
  it("no broker answers", async () => {
    const failure = opened({ topic: "any" }, connection("127.0.0.1:1"));
    await expect(failure).rejects.toMatchObject({ code: "no-broker", retry: "backoff", domain: "external" });
    await expect(failure).rejects.toThrow(/No Kafka broker answers at 127\.0\.0\.1:1: .*"brokers".*"broker"/);
  });

  it("the broker is gone for longer than it goes on", async () => {
    await using out = await opened({ topic: "gone", retryFor: "2 seconds", createTopic: { partitions: 1 } });
    await out.write(numbers(1));
    await broker.kill();
    const started = performance.now();
    await expect(out.write(numbers(1), 1)).rejects.toMatchObject({ code: "no-broker", retry: "backoff" });
    const seconds = (performance.now() - started) / 1000;
    await broker.start();
    expect(seconds).toBeGreaterThan(1.5);
    expect(seconds).toBeLessThan(10);
  });

  it("there is no such topic", async () => {
    const failure = opened({ topic: "nowhere" });
    await expect(failure).rejects.toMatchObject({ code: "unknown-topic" });
    await expect(failure).rejects.toThrow(/no topic "nowhere" .*"createTopic"/);
    expect(await reader.ends("nowhere")).toEqual([]);
  });

  it("a topic is to have more replicas than there are brokers", async () => {
    const failure = opened({ topic: "many", createTopic: { partitions: 1, replicas: 3 } });
    await expect(failure).rejects.toMatchObject({ code: "invalid-topic" });
  });

  it("a row is too large for the topic", async () => {
    const settings = { "max.message.bytes": "1000" };
    await using out = await opened({ topic: "small", createTopic: { partitions: 1, settings } });
    await out.write(numbers(50, "x".repeat(400)));
    expect(await reader.ends("small")).toEqual([50]);
    const failure = out.write(numbers(1, "x".repeat(2000)), 1);
    await expect(failure).rejects.toMatchObject({ code: "message-too-large" });
    await expect(failure).rejects.toThrow(/row 0 of the epoch, which is 20\d\d bytes.*"max\.message\.bytes"/);
  });

  it("the user may not write there", async () => {
    await using out = await opened({ topic: "denied", createTopic: { partitions: 1 } });
    const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = await import("kafkajs");
    await reader.admin.createAcls({
      acl: [
        {
          resourceType: AclResourceTypes.TOPIC,
          resourceName: "denied",
          resourcePatternType: ResourcePatternTypes.LITERAL,
          principal: "User:ANONYMOUS",
          host: "*",
          operation: AclOperationTypes.WRITE,
          permissionType: AclPermissionTypes.DENY,
        },
      ],
    });
    await expect(out.write(numbers(1))).rejects.toMatchObject({ code: "not-authorized" });
  });
});

describe("with a broker that wants a login", () => {
  let guarded: KafkaBroker;
  beforeAll(async () => {
    const users = 'username="admin" password="a" user_admin="a" user_alice="rabbit"';
    guarded = await kafkaBroker({
      "listener.security.protocol.map": "PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
      "sasl.enabled.mechanisms": "PLAIN",
      "sasl.mechanism.inter.broker.protocol": "PLAIN",
      "listener.name.plaintext.plain.sasl.jaas.config": `org.apache.kafka.common.security.plain.PlainLoginModule required ${users};`,
    });
  });
  afterAll(() => guarded[Symbol.asyncDispose]());

  const topic = { topic: "guarded", createTopic: { partitions: 1 } };
  const login = (username: string, password: string): Connection => ({
    name: "guarded",
    config: { ...(connection(guarded.address).config as object), sasl: { mechanism: "plain", username, password } },
  });

  it("rows are sent by a user that it knows", async () => {
    await using out = await opened(topic, login("alice", "rabbit"));
    await expect(out.write(numbers(10))).resolves.toBeUndefined();
  });

  it("a wrong password is told, and not shown", async () => {
    const failure = await opened(topic, login("alice", "hare")).catch((thrown: unknown) => thrown as Error);
    expect(failure).toMatchObject({ code: "not-authenticated" });
    expect((failure as Error).message).toMatch(/refuse the login: .*"sasl" of the connection "guarded"/);
    expect(JSON.stringify(failure)).not.toContain("hare");
  });

  it("no login is told as one that is missing", async () => {
    await expect(opened(topic, connection(guarded.address))).rejects.toMatchObject({ code: "no-broker" });
  });
});

describe("a plan is refused when", () => {
  const accept = async (config: Readonly<Record<string, Json>>): Promise<void> => {
    const context = planContext({ directory: "/", formats: [json, csv] });
    const main = schema([column("n", "int64"), column("at", "timestamp[ns, UTC]")]);
    await kafka.accept!({ main }, kafka.config.parse({ topic: "t", ...config }), context);
  };

  it.each([
    [{ key: "m" }, "unknown-column", "/key"],
    [{ key: "at" }, "column-type", "/key"],
    [{ paceBy: "n" }, "column-type", "/paceBy"],
    [{ paceBy: { column: "m", unit: "ms" } }, "unknown-column", "/paceBy/column"],
    [{ format: { type: "csv" } }, "format-without-rows", "/format"],
    [{ format: { type: "json", layout: "array" } }, "format-without-rows", "/format"],
    [{ format: { type: "json", compression: "gzip" } }, "format-without-rows", "/format"],
  ])("its sink says %j", async (config, code, pointer) => {
    await expect(accept(config)).rejects.toMatchObject({ problems: [{ code, pointer }] });
  });

  it("not when the key is a column and the format has rows", async () => {
    await expect(accept({ key: "n", format: { type: "json" } })).resolves.toBeUndefined();
  });

  it("its sink has two paces", () => {
    const parsed = kafka.config.safeParse({ topic: "t", rowsPerSecond: 1, paceBy: "at" });
    expect(parsed.error?.issues[0]?.message).toContain("not both");
  });
});
