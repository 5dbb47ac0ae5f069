import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ProtocolPoint } from "@sferic/engine";
import {
  deltaRows,
  isWhole,
  type KafkaBroker,
  kafkaBroker,
  type TemporaryFolder,
  temporaryFolder,
} from "@sferic/testkit";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import kafkajs from "kafkajs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runChild } from "./run-child.ts";

const everyRow = Array.from({ length: 1000 }, (_, row) => row);
const partitionCount = 4;

let root: TemporaryFolder;
let broker: KafkaBroker;

beforeAll(async () => {
  root = await temporaryFolder();
  broker = await kafkaBroker();
  const kafka = new kafkajs.Kafka({ brokers: [broker.address], logLevel: kafkajs.logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: "events", numPartitions: partitionCount }] });
  await admin.disconnect();
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  for (let first = 0; first < everyRow.length; first += 50) {
    const some = everyRow.slice(first, first + 50);
    const messages = some.map((n) => ({ value: JSON.stringify({ n }), partition: n % partitionCount }));
    await producer.send({ topic: "events", messages });
  }
  await producer.disconnect();
});

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
  await root[Symbol.asyncDispose]();
});

async function specIn(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const source = { type: "kafka", connection: "broker", topic: "events", rowsPerEpoch: 210 };
  const spec = {
    name: "lake",
    connections: { broker: { type: "kafka", brokers: [broker.address] } },
    sources: { events: { ...source, format: { type: "json", schema: { n: "int32" } } } },
    sinks: { lake: { type: "delta", from: "events", url: "out" } },
    run: { trigger: "available-now", checkpoint: "check" },
  };
  const file = join(folder, "pipeline.json");
  await writeFile(file, JSON.stringify(spec));
  return file;
}

async function expectWhole(folder: string): Promise<void> {
  const rows = await deltaRows(join(folder, "out"), async (path) =>
    parquetReadObjects({ file: await asyncBufferFromFile(path), compressors }),
  );
  expect(rows.map(({ n }) => n as number).toSorted((one, other) => one - other)).toEqual(everyRow);
}

const steps: ProtocolPoint[] = ["intent", "staged", "prepared", "all-published", "committed", "acknowledged"];

test.each(steps)("killed at %s, a table holds every message once", async (point) => {
  const folder = root.file(point);
  const spec = await specIn(folder);
  for (const epoch of ["0", "2"]) {
    const ending = await runChild([spec, epoch, point]);
    expect(ending.killed, ending.stderr).toBe(true);
  }
  expect(await runChild([spec])).toMatchObject({ killed: false, code: 0, stderr: "" });
  await expectWhole(folder);
});

test("killed at any moment, and the broker too, a table holds every message once", { timeout: 180_000 }, async () => {
  const folder = root.file("any-moment");
  const spec = await specIn(folder);
  for (let killAfterMs = 300; killAfterMs < 1500; killAfterMs += isWhole ? 150 : 300) {
    const child = runChild([spec], { killAfterMs });
    if (killAfterMs % 600 === 0) {
      await broker.kill();
      await broker.start();
    }
    await child;
  }
  expect(await runChild([spec])).toMatchObject({ killed: false, code: 0, stderr: "" });
  await expectWhole(folder);
});
