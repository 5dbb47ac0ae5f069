import { setTimeout as sleep } from "node:timers/promises";
import { json } from "@sferic/formats/json";
import { isBatch, type Offset, rowsOf } from "@sferic/operator";
import { epochOf, type KafkaCluster, kafkaCluster, operatorContext, temporaryFolder } from "@sferic/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { TopicWriter } from "../test/topic-writer.ts";
import { kafka } from "./kafka.ts";

let cluster: KafkaCluster;

beforeAll(async () => {
  cluster = await kafkaCluster();
});

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
});

/** Numbers of the brokers that lead the partitions of a topic, once every replica is in sync. */
async function leaders(topic: string, inSync: number): Promise<number[]> {
  await using writer = await TopicWriter.connect(cluster.brokers[0]!.address);
  for (;;) {
    const { topics } = await writer.admin.fetchTopicMetadata({ topics: [topic] });
    const partitions = topics[0]!.partitions.toSorted((a, b) => a.partitionId - b.partitionId);
    if (partitions.every(({ leader, isr }) => leader > 0 && isr.length === inSync)) {
      return partitions.map(({ leader }) => leader);
    }
    await sleep(50);
  }
}

it.each(["raw", "kafkajs"])(
  "the reader %s goes on when other brokers become leaders",
  { timeout: 300_000 },
  async (reader) => {
    const topic = `led-${reader}`;
    const replicaAssignment = [
      { partition: 0, replicas: [2, 3] },
      { partition: 1, replicas: [3, 2] },
    ];
    await using creator = await TopicWriter.connect(cluster.brokers[0]!.address);
    await creator.admin.createTopics({ topics: [{ topic, replicaAssignment }] });
    expect(await leaders(topic, 2)).toEqual([2, 3]);
    const connection = {
      name: "cluster",
      config: kafka.connection!.config.parse({ brokers: [cluster.brokers[0]!.address] }),
    };
    await using folder = await temporaryFolder();
    const context = operatorContext({ directory: folder.path, formats: [json], connection });
    const format = { type: "json", schema: { n: "int64" } };
    const source = kafka.create(kafka.config.parse({ topic, format, reader }), context);
    await source.open?.([]);
    const found: number[] = [];
    let start: Offset | null = null;
    let [written, pad] = [0, "x".repeat(1000)];
    for (const killed of [2, 3]) {
      // The library's producer loses messages of a leader that it knows no more when the new one leads another partition too.
      await using writer = await TopicWriter.connect(cluster.brokers[0]!.address);
      for (let batch = 0; batch < 20; batch += 1) {
        const values = Array.from({ length: 1000 }, () => ({ value: JSON.stringify({ n: (written += 1), pad }) }));
        await writer.write(topic, values);
      }
      const end: Offset | null = await source.latestOffset(start, {});
      let isKilled = false;
      for await (const output of source.read(start, end!, epochOf())) {
        if (!isBatch(output)) continue;
        found.push(...rowsOf(output).map(({ n }) => Number(n)));
        output.close();
        if (!isKilled) await cluster.brokers[killed - 1]!.kill();
        isKilled = true;
      }
      start = end;
      expect(await leaders(topic, 1)).toEqual(killed === 2 ? [3, 3] : [2, 2]);
      await cluster.brokers[killed - 1]!.start();
      await leaders(topic, 2);
    }
    await source.close?.();
    expect(found.toSorted((a, b) => a - b)).toEqual(Array.from({ length: written }, (_, index) => index + 1));
  },
);
