import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { zstdDecompressSync } from "node:zlib";
import { type EncodedBatch, StagedMessages, type StagedOptions, stampBatch } from "@sferic/bindings/kafka";
import { temporaryFolder } from "@sferic/testkit";
import kafkajs from "kafkajs";
import { afterAll, describe, expect, it } from "vitest";

interface DecodedRecord {
  readonly timestampDelta: string;
  readonly key: Buffer | null;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, Buffer>>;
}

interface DecodedBatch {
  readonly magicByte: number;
  readonly firstTimestamp: string;
  readonly maxTimestamp: string;
  readonly producerId: string;
  readonly producerEpoch: number;
  readonly firstSequence: number;
  readonly lastOffsetDelta: number;
  readonly records: readonly DecodedRecord[];
}

const inside = createRequire(import.meta.url);
const Decoder = inside("kafkajs/src/protocol/decoder") as new (bytes: Buffer) => object;
const decodeBatch = inside("kafkajs/src/protocol/recordBatch/v0/decoder") as (from: object) => Promise<DecodedBatch>;
const checksum = inside("kafkajs/src/protocol/recordBatch/crc32C") as (bytes: Buffer) => number;
kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = () => ({
  compress: () => Promise.reject(new Error("only read here")),
  decompress: (bytes: Buffer) => Promise.resolve(zstdDecompressSync(bytes)),
});

const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());

const count = 3_000;
const keyOf = (index: number): string | null => (index % 4 === 1 ? null : `schlüssel-${index % 13}`);
const valueOf = (index: number): string => JSON.stringify({ index, text: "δ".repeat(index % 40) });
const indexes = Array.from({ length: count }, (_, index) => index);
await writeFile(folder.file("rows"), indexes.map((index) => `${valueOf(index)}\n`).join(""));
await writeFile(folder.file("keys"), indexes.map((index) => `${JSON.stringify({ key: keyOf(index) })}\n`).join(""));

const options: StagedOptions = {
  rows: folder.file("rows"),
  framing: "newline",
  keys: folder.file("keys"),
  headers: { "sferic-writer": "p@1/s" },
  indexHeader: "sferic-index",
  partitionCount: 5,
  partitioner: "key",
  compression: "none",
  batchBytes: 32_768,
  batchBytesMax: 65_536,
};

async function encoded(changed: Partial<StagedOptions>, messagesMax?: number): Promise<EncodedBatch[]> {
  using staged = new StagedMessages({ ...options, ...changed });
  const found: EncodedBatch[] = [];
  for (let next = await staged.next(messagesMax); next !== null; next = await staged.next(messagesMax)) {
    if (messagesMax !== undefined) expect(sum(next)).toBeLessThanOrEqual(messagesMax);
    found.push(...next);
  }
  return found;
}

function sum(batches: readonly EncodedBatch[]): number {
  return batches.reduce((all, batch) => all + batch.count, 0);
}

describe("batches of staged rows", () => {
  it.each(["none", "gzip", "zstd"] as const)("are what another client decodes: %s", async (compression) => {
    const partitionOf = kafkajs.Partitioners.DefaultPartitioner();
    const partitionMetadata = Array.from({ length: 5 }, (_, partitionId) => ({
      partitionErrorCode: 0,
      partitionId,
      leader: 1,
      replicas: [1],
      isr: [1],
    }));
    const found: { index: number; key: string | null; value: string }[] = [];
    for (const { partition, bytes, count: own } of await encoded({ compression })) {
      const stamp = { producerId: 2n ** 40n, producerEpoch: 3, baseSequence: 17, timestampMs: 1_767_225_600_123 };
      stampBatch(bytes, stamp);
      const batch = Buffer.from(bytes);
      expect(batch.readUInt32BE(17)).toBe(checksum(batch.subarray(21)) >>> 0);
      const decoded = await decodeBatch(new Decoder(batch));
      expect(decoded).toMatchObject({
        firstTimestamp: "1767225600123",
        maxTimestamp: "1767225600123",
        producerId: String(2n ** 40n),
        producerEpoch: 3,
        firstSequence: 17,
        lastOffsetDelta: own - 1,
      });
      for (const { key, value, headers } of decoded.records) {
        expect(Object.keys(headers)).toEqual(["sferic-writer", "sferic-index"]);
        expect(String(headers["sferic-writer"])).toBe("p@1/s");
        if (key !== null) {
          const message = { key, value };
          expect(partitionOf({ topic: "t", partitionMetadata, message })).toBe(partition);
        }
        found.push({
          index: Number(headers["sferic-index"]),
          key: key === null ? null : String(key),
          value: String(value),
        });
      }
    }
    found.sort((one, other) => one.index - other.index);
    expect(found).toEqual(indexes.map((index) => ({ index, key: keyOf(index), value: valueOf(index) })));
  });

  it("hold no more rows than were asked for, and all of them in the end", async () => {
    expect(sum(await encoded({}, 7))).toBe(count);
    expect((await encoded({}, 7)).length).toBeGreaterThan(count / 7);
  });

  it("name a row that is larger than the topic takes", async () => {
    await writeFile(folder.file("large"), `a\n${"x".repeat(70_000)}\nb\n`);
    const failure = await encoded({ rows: folder.file("large"), keys: undefined }).catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ code: "message-too-large", domain: "user", details: { row: 1, bytes: 70_000 } });
  });

  it("say which file is not there, and are closed for good", async () => {
    expect(() => new StagedMessages({ ...options, rows: folder.file("none") })).toThrow(/cannot read .*none/);
    const staged = new StagedMessages(options);
    staged.close();
    staged.close();
    await expect(staged.next()).rejects.toThrow("The messages are closed.");
    const stamp = { producerId: 1n, producerEpoch: 0, baseSequence: 0, timestampMs: 0 };
    expect(() => stampBatch(new Uint8Array(5), stamp)).toThrow("5 bytes are no record batch");
  });
});
