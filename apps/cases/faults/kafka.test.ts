import { readdir, readFile } from "node:fs/promises";
import { registry } from "@sferic/catalog";
import { runPipeline } from "@sferic/engine";
import { type KafkaBroker, kafkaBroker, temporaryFolder } from "@sferic/testkit";
import kafkajs, { type Message } from "kafkajs";
import { afterAll, beforeAll, expect, test } from "vitest";

let broker: KafkaBroker;
let kafka: kafkajs.Kafka;

beforeAll(async () => {
  broker = await kafkaBroker();
  const retry = { initialRetryTime: 100, maxRetryTime: 1000, retries: 30 };
  kafka = new kafkajs.Kafka({ brokers: [broker.address], logLevel: kafkajs.logLevel.NOTHING, retry });
});

afterAll(() => broker[Symbol.asyncDispose]());

/** Sends messages to a topic, which is created where it is not there. */
async function send(topic: string, messages: readonly Message[]): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
  await admin.disconnect();
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  await producer.send({ topic, messages: [...messages] });
  await producer.disconnect();
}

const count = (from: number, until: number): Message[] =>
  Array.from({ length: until - from }, (_, index) => ({ value: `{"n":${from + index}}` }));

const source = (topic: string, own: object = {}): object => ({
  type: "kafka",
  connection: "broker",
  topic,
  format: { type: "json", schema: { n: "int64" } },
  ...own,
});

const spec = (name: string, sources: object, rest: object): object => ({
  name,
  connections: { broker: { type: "kafka", brokers: [broker.address] } },
  sources,
  ...rest,
});

/** The rows of a folder of JSON lines, in no order. */
async function written(folder: string): Promise<unknown[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".json"));
  const texts = await Promise.all(names.map((name) => readFile(`${folder}/${name}`, "utf8")));
  return texts.flatMap((text) => text.split("\n").filter((line) => line !== "")).map((line) => JSON.parse(line));
}

test("runs that begin at the latest message read what comes between them, though the first reads nothing", async () => {
  await using folder = await temporaryFolder();
  await send("start-latest", count(0, 3));
  const run = () =>
    runPipeline(
      spec(
        "start-latest",
        { m: source("start-latest", { startAt: "latest" }) },
        {
          sinks: { o: { type: "files", from: "m", url: "./out/", format: { type: "json" } } },
          run: { trigger: "available-now", checkpoint: "./checkpoint" },
        },
      ),
      { registry, baseDirectory: folder.path },
    );
  expect(await run()).toMatchObject({ state: "succeeded", rows: { read: 0 } });
  await send("start-latest", count(3, 5));
  expect(await run()).toMatchObject({ state: "succeeded", rows: { read: 2 } });
  await send("start-latest", count(5, 6));
  expect(await run()).toMatchObject({ state: "succeeded", rows: { read: 1 } });
  expect(await written(folder.file("out"))).toEqual(expect.arrayContaining([{ n: 3 }, { n: 4 }, { n: 5 }]));
});

test("headers reach every sink, also behind transforms", async () => {
  await using folder = await temporaryFolder();
  await send("headers", [{ value: '{"n":1}', headers: { a: ["1", "2"], b: "" } }]);
  const files = (from: string, type: string, url: string) => ({ type: "files", from, url, format: { type } });
  const checkpoint = { trigger: "available-now", checkpoint: "./checkpoint" };
  const result = await runPipeline(
    spec(
      "headers",
      { m: source("headers", { metadata: { headers: "headers" } }) },
      {
        transforms: {
          all: { type: "select", from: "m", columns: { n: "n", headers: "headers" } },
          kept: { type: "filter", from: "all", where: "len(headers) = 3" },
          groups: { type: "aggregate", from: "m", groupBy: ["n"], measures: { headers: "any_value(headers)" } },
          both: { type: "union", from: ["m", "kept"] },
        },
        sinks: {
          parquet: files("m", "parquet", "./out/parquet/"),
          json: files("m", "json", "./out/json/"),
          ofSelect: files("all", "parquet", "./out/select/"),
          ofFilter: files("kept", "parquet", "./out/filter/"),
          ofAggregate: files("groups", "parquet", "./out/aggregate/"),
          ofUnion: files("both", "parquet", "./out/union/"),
          duckdb: { type: "duckdb", from: "m", path: "./out/m.duckdb", table: "t" },
          delta: { type: "delta", from: "m", url: "./out/delta/" },
          kafka: { type: "kafka", from: "m", connection: "broker", topic: "out", createTopic: { partitions: 1 } },
        },
        run: checkpoint,
      },
    ),
    { registry, baseDirectory: folder.path },
  );
  expect(result).toMatchObject({ state: "succeeded", rows: { read: 1 } });
  const parquet = (url: string) => ({ type: "files", url, format: { type: "parquet" } });
  const headersType = { schema: { n: "int64", headers: "list<struct<key: utf8, value: binary>>" } };
  const sources = {
    parquet: parquet("./out/parquet/"),
    select: parquet("./out/select/"),
    filter: parquet("./out/filter/"),
    aggregate: parquet("./out/aggregate/"),
    json: { type: "files", url: "./out/json/", format: { type: "json", ...headersType } },
    duckdb: { type: "duckdb", path: "./out/m.duckdb", table: "t" },
    delta: { type: "delta", url: "./out/delta/" },
    kafka: source("out", { format: { type: "json", ...headersType } }),
    union: parquet("./out/union/"),
  };
  const names = Object.keys(sources);
  const sinks = Object.fromEntries(names.map((name) => [`to-${name}`, files(name, "json", `./back/${name}/`)]));
  const back = spec("back", sources, { sinks, run: { trigger: "available-now", checkpoint: "./back/checkpoint" } });
  expect(await runPipeline(back, { registry, baseDirectory: folder.path })).toMatchObject({ state: "succeeded" });
  const text = (value: string): string => Buffer.from(value).toString("base64");
  const headers = [
    { key: "a", value: text("1") },
    { key: "a", value: text("2") },
    { key: "b", value: "" },
  ];
  for (const name of names) {
    const expected = Array.from({ length: name === "union" ? 2 : 1 }, () => ({ n: 1, headers }));
    expect([name, await written(folder.file(`back/${name}`))]).toEqual([name, expected]);
  }
});
