import { runCommand } from "../commands.ts";
import { sameNumber, timesFaster } from "../judge.ts";
import { planWithBroker } from "../kafka-broker.ts";
import { library, ours, peer } from "../places.ts";
import type { Scenario } from "../scenario.ts";

const node = "Sferic";
const librdkafka = "librdkafka";
const kafkajs = "kafkajs";

/** All messages of a topic into memory. */
export const kafkaRead: Scenario = {
  name: "kafka-read",
  summary:
    "1,000,000 messages of 100 bytes in 4 partitions of an Apache Kafka broker beside it, all read: checksums, records, keys and headers, values as bytes.",
  repetitions: 7,
  warmUps: 1,
  prepare: async (size) => {
    const count = size === "full" ? 1_000_000 : 100_000;
    return planWithBroker("kafka-read", async (address) => {
      await runCommand(peer("kafka", "make", address, "messages", String(count)));
      return {
        contenders: [
          { name: node, command: ours("kafka", "read", address, "messages") },
          { name: librdkafka, command: peer("kafka", "read", address, "messages") },
          { name: kafkajs, command: library("kafkajs", "read", address, "messages") },
        ],
        checks: [sameNumber("rows", [node, librdkafka, kafkajs])],
        requirements: [timesFaster(node, librdkafka, 1)],
      };
    });
  },
};
