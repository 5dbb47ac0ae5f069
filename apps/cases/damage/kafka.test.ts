import { readdir, readFile } from "node:fs/promises";
import { registry } from "@sferic/catalog";
import { runPipeline } from "@sferic/engine";
import { type KafkaBroker, kafkaBroker, temporaryFolder } from "@sferic/testkit";
import kafkajs from "kafkajs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { lettersIn } from "./letters.ts";

let broker: KafkaBroker;

/** Two good messages with three between them that are none. */
const messages = ['{"n":1}', '{"n":"many"}', null, "\u0000\u00FF", '{"n":2}'];

beforeAll(async () => {
  broker = await kafkaBroker();
  const kafka = new kafkajs.Kafka({ brokers: [broker.address], logLevel: kafkajs.logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: "damaged", numPartitions: 1 }] });
  await admin.disconnect();
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  await producer.send({ topic: "damaged", messages: messages.map((value) => ({ value })) });
  await producer.disconnect();
});

afterAll(() => broker[Symbol.asyncDispose]());

const spec = (sinks: object): object => ({
  name: "p",
  connections: { broker: { type: "kafka", brokers: [broker.address] } },
  sources: {
    events: {
      type: "kafka",
      connection: "broker",
      topic: "damaged",
      format: { type: "json", schema: { n: "int64" } },
      metadata: { at: "offset" },
    },
  },
  sinks: { good: { type: "files", from: "events", url: "./good/", format: { type: "json" } }, ...sinks },
  run: { trigger: "available-now", checkpoint: "./check" },
});

/** All rows of a folder of JSON lines. */
async function written(folder: string): Promise<unknown[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".json"));
  const texts = await Promise.all(names.map((name) => readFile(`${folder}/${name}`, "utf8")));
  return texts.flatMap((text) => text.trimEnd().split("\n")).map((line) => JSON.parse(line) as unknown);
}

test("messages that cannot be decoded are rows of the port invalid, with their place and bytes", async () => {
  await using folder = await temporaryFolder();
  const bad = { type: "files", from: "events.invalid", url: "./bad/", format: { type: "json" } };
  const result = await runPipeline(spec({ bad }), { registry, baseDirectory: folder.path });
  expect(result).toMatchObject({ state: "succeeded", rows: { read: 2, invalid: 3 }, deadLetters: [] });
  expect(await written(folder.file("good"))).toEqual([
    { n: 1, at: 0 },
    { n: 2, at: 4 },
  ]);
  const rows = (await written(folder.file("bad"))) as { readonly payload: string | null }[];
  expect(rows).toMatchObject([1, 2, 3].map((offset) => ({ partition: 0, offset, reason: expect.any(String) })));
  const bytes = rows.map(({ payload }) => payload && Buffer.from(payload, "base64").toString());
  expect(bytes).toEqual(messages.slice(1, 4));
});

test("or dead letters that hold the same", async () => {
  await using folder = await temporaryFolder();
  const result = await runPipeline(spec({}), { registry, baseDirectory: folder.path });
  expect(result).toMatchObject({ state: "succeeded", rows: { read: 2, written: 2, invalid: 3 } });
  const letters = await lettersIn(result.deadLetters);
  expect(letters).toMatchObject(
    [1, 2, 3].map((offset) => {
      const value = messages[offset]!;
      const payload = value === null ? null : Buffer.from(value).toString("hex");
      return { source: "events", name: "damaged/0", position: offset, values: { partition: 0, payload } };
    }),
  );
});
