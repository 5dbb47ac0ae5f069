import { mkdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { batches } from "@sferic/bindings/batch";
import { json } from "@sferic/formats/json";
import { column, schema } from "@sferic/operator";
import { epochOf, type KafkaCluster, kafkaCluster, operatorContext, streamOf, temporaryFolder } from "@sferic/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { TopicReader } from "../test/topic-reader.ts";
import { kafka } from "./kafka.ts";

let cluster: KafkaCluster;
let reader: TopicReader;

beforeAll(async () => {
  cluster = await kafkaCluster();
  reader = await TopicReader.connect(cluster.brokers[0]!.address);
});

afterAll(async () => {
  await reader?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
});

/** Until all partitions of a topic have a leader and both replicas. */
async function inSync(topic: string): Promise<void> {
  for (;;) {
    const { topics } = await reader.admin.fetchTopicMetadata({ topics: [topic] });
    if (topics[0]!.partitions.every(({ leader, isr }) => leader > 0 && isr.length === 2)) return;
    await sleep(50);
  }
}

async function messagesIn(topic: string): Promise<number> {
  return (await reader.ends(topic)).reduce((sum, end) => sum + end, 0);
}

it(
  "loses and doubles nothing when other brokers become leaders while an epoch is sent",
  { timeout: 300_000 },
  async () => {
    const topic = "led";
    const replicaAssignment = [
      { partition: 0, replicas: [2, 3] },
      { partition: 1, replicas: [3, 2] },
    ];
    await reader.admin.createTopics({ topics: [{ topic, replicaAssignment }] });
    await inSync(topic);
    const connection = {
      name: "cluster",
      config: kafka.connection!.config.parse({ brokers: [cluster.brokers[0]!.address] }),
    };
    await using folder = await temporaryFolder();
    const context = operatorContext({ directory: folder.path, formats: [json], connection });
    await mkdir(context.scratchDirectory);
    const sink = kafka.create(kafka.config.parse({ topic, rowsPerSecond: 4000 }), context);
    await sink.open?.();
    const count = 12_000;
    for (const [epoch, killed] of [2, 3].entries()) {
      const before = await messagesIn(topic);
      const rows = batches.fromRows(
        schema([column("n", "int64")]),
        Array.from({ length: count }, (_, index) => ({ n: epoch * count + index })),
      );
      const staged = await sink.stage(streamOf([rows]), epochOf(epoch), {});
      const sent = sink.publish(staged!, epochOf(epoch));
      while ((await messagesIn(topic)) < before + 1000) await sleep(20);
      await cluster.brokers[killed - 1]!.kill();
      await sent;
      await cluster.brokers[killed - 1]!.start();
      await inSync(topic);
    }
    await sink.close?.();
    const found = (await reader.read(topic)).map(({ value }) => (JSON.parse(value) as { n: number }).n);
    expect(found.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 2 * count }, (_, n) => n));
  },
);
