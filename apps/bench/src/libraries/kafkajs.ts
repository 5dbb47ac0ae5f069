/** The side of kafkajs: `kafkajs.ts read ADDRESS TOPIC`, `kafkajs.ts produce ADDRESS TOPIC COUNT`; as peers/kafka.py. */
import { randomUUID } from "node:crypto";
import kafkajs, { type Producer } from "kafkajs";
import { serve } from "../ours/serve.ts";

const partitionCount = 4;
const messagesPerRequest = 10_000;
const [role = "", address = "", topic = "", count = "0"] = process.argv.slice(2);
const kafka = new kafkajs.Kafka({ brokers: [address], logLevel: kafkajs.logLevel.NOTHING });
const admin = kafka.admin();
await admin.connect();

async function messagesIn(): Promise<number> {
  const offsets = await admin.fetchTopicOffsets(topic);
  return offsets.reduce((sum, { high }) => sum + Number(high), 0);
}

async function read(): Promise<number> {
  const total = await messagesIn();
  const consumer = kafka.consumer({ groupId: randomUUID() });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const { promise, resolve } = Promise.withResolvers<void>();
  let rows = 0;
  await consumer.run({
    autoCommit: false,
    eachBatch: ({ batch }) => {
      rows += batch.messages.length;
      if (rows >= total) resolve();
      return Promise.resolve();
    },
  });
  await promise;
  await consumer.disconnect();
  return rows;
}

async function produce(producer: Producer): Promise<void> {
  const value = "x".repeat(100);
  const all = Array.from({ length: messagesPerRequest }, (_, index) => ({ value, partition: index % partitionCount }));
  for (let sent = 0; sent < Number(count); sent += messagesPerRequest) await producer.send({ topic, messages: all });
}

if (role === "read") {
  await serve({ versions: {}, work: read, values: (rows) => ({ rows }) });
} else {
  const once = { idempotent: true, maxInFlightRequests: 1 };
  const producer = kafka.producer({ ...once, createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  let before = await messagesIn();
  await serve({
    versions: {},
    work: () => produce(producer),
    values: async () => {
      const was = before;
      before = await messagesIn();
      return { rows: before - was };
    },
  });
  await producer.disconnect();
}
await admin.disconnect();
