import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Batch, column, OperatorError, rowsOf, Schema } from "@sferic/operator";
import { describe, expect, test } from "vitest";
import { decodeJsonMessages } from "./formats.ts";
import { type FetchedPartition, MessageSet, metadataSchema, type PlainMessage } from "./kafka.ts";

const fixtures = join(import.meta.dirname, "../../../native/crates/kernel-kafka/tests/fixtures");
const everything = { at: "timestamp", name: "key", part: "partition", place: "offset", more: "headers" } as const;
const encoder = new TextEncoder();

async function recorded(name: string, partition: number): Promise<FetchedPartition> {
  return { partition, records: await readFile(join(fixtures, `${name}.log`)), from: 0n, until: 2n ** 63n - 1n };
}

function plain(offset: number, value: string | Uint8Array | null): PlainMessage {
  const bytes = typeof value === "string" ? encoder.encode(value) : value;
  return { offset: BigInt(offset), timestampMs: 1_767_225_600_123n, key: null, value: bytes, headers: [] };
}

function setOf(values: readonly (string | Uint8Array | null)[]): MessageSet {
  return MessageSet.of(
    0,
    values.map((value, index) => plain(index, value)),
    BigInt(values.length),
  );
}

/** A batch with as many rows as there are messages. */
async function numbered(messages: MessageSet): Promise<Batch> {
  const columns = new Schema([column("n", "int64", { nullable: true })]);
  const values = Array.from({ length: messages.count }, (_, n) => JSON.stringify({ n }));
  using own = setOf(values);
  return (await decodeJsonMessages(own, columns)).rows;
}

function taken<T>(batch: Batch, values: (batch: Batch) => T): T {
  const found = values(batch);
  batch.close();
  return found;
}

describe("record batches", () => {
  test("of several partitions are messages with their places", async () => {
    const partitions = await Promise.all([recorded("java-snappy", 4), recorded("librdkafka-zstd", 2)]);
    using messages = await MessageSet.parse(partitions);
    expect(messages.count).toBe(160);
    expect(messages.next).toEqual([
      { partition: 4, offset: 100n },
      { partition: 2, offset: 60n },
    ]);
    expect(messages.position(100)).toEqual({ partition: 2, offset: 0n });
    expect(new TextDecoder().decode(messages.payload(101)!)).toBe("value 1 value 1 ");
    expect(messages.payload(105)).toBeNull();
    expect(() => messages.payload(160)).toThrow("there is no message 160; there are 160");
  });

  test("give metadata as columns of the declared types", async () => {
    using messages = await MessageSet.parse([await recorded("librdkafka-none", 7)]);
    const rows = messages.withMetadata(await numbered(messages), undefined, everything);
    const expected = metadataSchema(everything);
    expect(rows.schema.columns.slice(1)).toEqual(expected.columns);
    expect(expected.columns.map(({ type }) => type)).toEqual([
      "timestamp[us, UTC]",
      "binary",
      "int32",
      "int64",
      "list<struct<key: utf8, value: binary>>",
    ]);
    expect(taken(rows, (batch) => rowsOf(batch))[2]).toMatchObject({
      n: 2,
      at: "2026-01-01T00:00:00.074Z",
      name: Buffer.from("key \u00ff\u0002", "latin1").toString("hex"),
      part: 7,
      more: [
        { key: "index", value: "32" },
        { key: "nothing", value: null },
      ],
    });
  });

  test("that are damaged say where", async () => {
    const whole = await recorded("java-gzip", 3);
    const records = Buffer.from(whole.records);
    records[100]! ^= 1;
    const failure = await MessageSet.parse([{ ...whole, records }]).catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(OperatorError);
    expect(failure).toMatchObject({ code: "corrupt-messages", domain: "external" });
    expect(String(failure)).toContain("partition 3, record batch at offset 0: its checksum is");
  });

  test("can be given up, and are closed for good", async () => {
    const whole = await recorded("java-gzip", 3);
    await expect(MessageSet.parse([whole], AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
    const messages = await MessageSet.parse([whole]);
    messages.close();
    messages.close();
    expect(() => messages.count).toThrow("The messages are closed.");
  });
});

test("messages of another client have the same metadata", async () => {
  const headers = [
    { name: "δ", value: Buffer.from([0, 255]) },
    { name: "none", value: null },
  ];
  using messages = MessageSet.of(
    9,
    [
      { ...plain(2 ** 40, "{}"), key: encoder.encode("k"), headers },
      { ...plain(2 ** 40 + 5, null), timestampMs: -1n },
    ],
    2n ** 41n,
  );
  const rows = taken(messages.withMetadata(await numbered(messages), undefined, everything), rowsOf);
  expect(rows).toMatchObject([
    { at: "2026-01-01T00:00:00.123Z", name: "6b", part: 9, more: [{ key: "δ", value: "00ff" }, { key: "none" }] },
    { at: null, name: null, part: 9, more: [] },
  ]);
  expect(messages.position(0)).toEqual({ partition: 9, offset: 2n ** 40n });
  expect(messages.next).toEqual([{ partition: 9, offset: 2n ** 41n }]);
});

describe("messages of JSON", () => {
  const columns = new Schema([column("a", "int32", { nullable: true }), column("b", "list<utf8>", { nullable: true })]);

  test("are a row each, and the others are told by their index", async () => {
    const values = ['\n {"a":\n1, "b": ["x"]}\r\n', "[]", null, '{"a": "one"}', '{"a": 5} {"a": 6}', '{"b": []}', ""];
    using messages = setOf(values);
    const decoded = await decodeJsonMessages(messages, columns);
    expect([...decoded.taken!]).toEqual([0, 5]);
    expect(decoded.invalid).toEqual([
      { index: 1, reason: expect.stringMatching(/object.*\(byte 0\)$/) },
      { index: 2, reason: "the message has no value, as one has that deletes its key" },
      { index: 3, reason: 'a is not a value of type Int32: "one"} (byte 6)' },
      { index: 4, reason: 'something follows the object, before {"a": 6} (byte 9)' },
      { index: 6, reason: expect.stringMatching(/the end \(byte 0\)$/) },
    ]);
    const rows = messages.withMetadata(decoded.rows, decoded.taken, { place: "offset" });
    expect(taken(rows, rowsOf)).toEqual([
      { a: 1, b: ["x"], place: 0 },
      { a: null, b: [], place: 5 },
    ]);
  });

  test("keep their order however many there are, whatever is between them", async () => {
    const isBad = (index: number): boolean => index % 1_000 === 17;
    const values = Array.from({ length: 100_000 }, (_, a) => (isBad(a) ? "{" : `{"a":${a}}`));
    using messages = setOf(values);
    const decoded = await decodeJsonMessages(messages, columns);
    const sound = values.flatMap((_, index) => (isBad(index) ? [] : [index]));
    expect([...decoded.taken!]).toEqual(sound);
    expect(taken(decoded.rows, (rows) => [...rows.column("a").values])).toEqual(sound);
    expect(decoded.invalid.map(({ index }) => index)).toEqual(values.flatMap((_, at) => (isBad(at) ? [at] : [])));
  });

  test("none of them give no row, with the columns", async () => {
    using messages = setOf([]);
    const decoded = await decodeJsonMessages(messages, columns);
    expect([decoded.rows.rowCount, decoded.rows.schema.columns, decoded.taken]).toEqual([
      0,
      columns.columns,
      undefined,
    ]);
    decoded.rows.close();
  });
});

test("messages of somebody else are refused", async () => {
  const foreign = { count: 0, byteLength: 0, payload: () => null };
  const columns = new Schema([column("a", "int32")]);
  await expect(decodeJsonMessages(foreign, columns)).rejects.toThrow("The messages were not made by this core.");
});
