/**
 * Sferic's side of Kafka: `kafka.ts read ADDRESS TOPIC` reads all messages of a topic as its source does, parsed and not
 * decoded; `kafka.ts produce ADDRESS TOPIC FILE` sends the lines of a file as its sink does.
 */
import { MessageSet } from "@sferic/bindings/kafka";
import { kafkaConnection } from "@sferic/connections/kafka";
import { Topic } from "@sferic/connections/kafka/topic";
import { unpaced } from "@sferic/sinks/kafka/pace";
import { TopicWriter } from "@sferic/sinks/kafka/topic-writer";
import { RawReader } from "@sferic/sources/kafka/raw-reader";
import { serve } from "./serve.ts";

const [role = "", address = "", topic = "", file = ""] = process.argv.slice(2);
const connection = { name: "bench", config: kafkaConnection.config.parse({ brokers: [address] }) };
const retryForMs = 10_000;
const { signal } = new AbortController();
const asked = new Topic(connection, topic, retryForMs);

async function ends(): Promise<ReadonlyMap<number, bigint>> {
  const { partitions } = await asked.describe(signal);
  return asked.offsets(partitions, "latest", "committed", signal);
}

async function read(): Promise<number> {
  const ranges = [...(await ends())].map(([partition, until]) => ({ partition, from: 0n, until }));
  let rows = 0;
  for await (const messages of new RawReader(asked, "committed", retryForMs).read(ranges, signal)) {
    if (!(messages instanceof MessageSet)) throw new Error(messages.reason);
    rows += messages.count;
    messages.close();
  }
  return rows;
}

async function messagesIn(): Promise<number> {
  return [...(await ends()).values()].reduce((sum, end) => sum + Number(end), 0);
}

if (role === "read") {
  await serve({ versions: {}, work: read, values: (rows) => ({ rows }) });
} else {
  const writer = new TopicWriter(connection, { topic, partitioner: "key", compression: "none", retryForMs });
  const epoch = { id: 0, timeMs: 0, seed: 0, signal };
  let before = await messagesIn();
  await serve({
    versions: {},
    work: () => writer.write({ rows: file, framing: "newline" }, {}, unpaced, epoch),
    values: async () => {
      const was = before;
      before = await messagesIn();
      return { rows: before - was };
    },
  });
  await writer.close();
}
await asked.close();
