import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "../commands.ts";
import { atMostSeconds, sameNumber } from "../judge.ts";
import { planWithBroker } from "../kafka-broker.ts";
import { library, ours, peer, workDirectory } from "../places.ts";
import type { Scenario } from "../scenario.ts";

const node = "Sferic";
const librdkafka = "librdkafka";
const kafkajs = "kafkajs";

/** Messages that have to be sent in a second. */
const perSecondMin = 140_000;

/** Messages into a topic. */
export const kafkaProduce: Scenario = {
  name: "kafka-produce",
  summary:
    "1,000,000 messages of 100 bytes into 4 partitions of an Apache Kafka broker beside it, by an idempotent producer, acknowledged by all replicas. Sferic reads them from a file, and gives each a header with its number.",
  repetitions: 5,
  warmUps: 1,
  prepare: async (size) => {
    const count = size === "full" ? 1_000_000 : 100_000;
    const folder = join(workDirectory, "kafka-rows");
    const file = join(folder, `${count}.txt`);
    await mkdir(folder, { recursive: true });
    await writeFile(file, `${"x".repeat(100)}\n`.repeat(count));
    return planWithBroker("kafka-produce", async (address) => {
      // Topics of their own, so that what came can be counted.
      for (const topic of ["ours", "theirs", "others"]) await runCommand(peer("kafka", "make", address, topic, "0"));
      return {
        contenders: [
          { name: node, command: ours("kafka", "produce", address, "ours", file) },
          { name: librdkafka, command: peer("kafka", "produce", address, "theirs", String(count)) },
          { name: kafkajs, command: library("kafkajs", "produce", address, "others", String(count)) },
        ],
        checks: [sameNumber("rows", [node, librdkafka, kafkajs])],
        requirements: [atMostSeconds(node, count / perSecondMin)],
      };
    });
  },
};
