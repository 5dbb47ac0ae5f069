import { setTimeout as sleep } from "node:timers/promises";
import { json } from "@sferic/formats/json";
import { isBatch, type Offset, rowsOf, type Source } from "@sferic/operator";
import { epochOf, type KafkaCluster, kafkaCluster, operatorContext, temporaryFolder } from "@sferic/testkit";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
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

it("both readers go on when other brokers become leaders", { timeout: 300_000 }, async () => {
  await using creator = await TopicWriter.connect(cluster.brokers[0]!.address);
  const readings = await Promise.all(["raw", "kafkajs"].map((reader) => Reading.of(reader, creator)));
  let written = 0;
  for (const killed of [2, 3]) {
    // The library's producer loses messages of a leader that it knows no more when the new one leads another partition too.
    await using writer = await TopicWriter.connect(cluster.brokers[0]!.address);
    for (const { topic } of readings) {
      for (let batch = 0; batch < 20; batch += 1) await writer.write(topic, padded(written + 1000 * batch));
    }
    written += 20_000;
    let kill: Promise<void> | undefined;
    const killOnce = (): Promise<void> => (kill ??= cluster.brokers[killed - 1]!.kill());
    await Promise.all(readings.map((reading) => reading.epoch(killOnce)));
    for (const { topic } of readings) expect(await leaders(topic, 1)).toEqual(killed === 2 ? [3, 3] : [2, 2]);
    await cluster.brokers[killed - 1]!.start();
    for (const { topic } of readings) await leaders(topic, 2);
  }
  const expected = Array.from({ length: written }, (_, index) => index);
  for (const reading of readings) expect(await reading.close(), reading.topic).toEqual(expected);
});

/** A thousand numbers, in messages of a kilobyte: an epoch of them is read in several answers. */
function padded(from: number): { value: string }[] {
  const pad = "x".repeat(1000);
  return Array.from({ length: 1000 }, (_, index) => ({ value: JSON.stringify({ n: from + index, pad }) }));
}

/** A source that reads a topic of its own, epoch after epoch. */
class Reading {
  readonly topic: string;
  readonly #source: Source;
  readonly #found: number[] = [];
  #start: Offset | null = null;

  private constructor(topic: string, source: Source) {
    this.topic = topic;
    this.#source = source;
  }

  static async of(reader: string, creator: TopicWriter): Promise<Reading> {
    const topic = `led-${reader}`;
    const replicaAssignment = [
      { partition: 0, replicas: [2, 3] },
      { partition: 1, replicas: [3, 2] },
    ];
    await creator.admin.createTopics({ topics: [{ topic, replicaAssignment }] });
    expect(await leaders(topic, 2)).toEqual([2, 3]);
    const config = kafka.connection!.config.parse({ brokers: [cluster.brokers[0]!.address] });
    const folder = await temporaryFolder();
    onTestFinished(() => folder[Symbol.asyncDispose]());
    const context = operatorContext({
      directory: folder.path,
      formats: [json],
      connection: { name: "cluster", config },
    });
    const format = { type: "json", schema: { n: "int64" } };
    const source = kafka.create(kafka.config.parse({ topic, format, reader }), context);
    await source.open?.([]);
    return new Reading(topic, source);
  }

  /** Reads what there is, and calls back after each batch. */
  async epoch(onBatch: () => Promise<void>): Promise<void> {
    const end: Offset | null = await this.#source.latestOffset(this.#start, {});
    for await (const output of this.#source.read(this.#start, end!, epochOf())) {
      if (!isBatch(output)) continue;
      this.#found.push(...rowsOf(output).map(({ n }) => Number(n)));
      output.close();
      await onBatch();
    }
    this.#start = end;
  }

  /** What was read, sorted. */
  async close(): Promise<number[]> {
    await this.#source.close?.();
    return this.#found.toSorted((a, b) => a - b);
  }
}
