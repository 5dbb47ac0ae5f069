import { writeFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { MessageSet } from "@sferic/bindings/kafka";
import { type Batch, type FileContent, isBatch, type InvalidInput, type Schema } from "@sferic/operator";
import { cellsOf, describeFormat, fileAt, fileOf, temporaryFolder } from "@sferic/testkit";
import { Builder, ByteBuffer, Encoding, SIZE_PREFIX_LENGTH } from "flatbuffers";
import { afterAll, describe, expect, it } from "vitest";
import { flatbuffers } from "./flatbuffers.ts";

interface Event {
  readonly name: string;
  readonly timestamp: bigint;
  readonly value: number;
}

/** So many that no cut of the contract falls between two messages, which leaves a sound file. */
const events: readonly Event[] = Array.from({ length: 307 }, (_, row) => ({
  name: `satellite-${row % 7} δ`,
  timestamp: 1_767_225_600_000_000_000n + BigInt(row),
  value: row === 3 ? 0 : Math.sin(row),
}));

/** A message as code made by `flatc` writes it with the npm package. */
function encoded({ name, timestamp, value }: Event, isSizePrefixed = true): Uint8Array {
  const builder = new Builder();
  const text = builder.createString(name);
  builder.startObject(3);
  builder.addFieldOffset(0, text, 0);
  builder.addFieldInt64(1, timestamp, 0n);
  builder.addFieldFloat64(2, value, 0);
  const table = builder.endObject();
  builder.requiredField(table, 4);
  if (isSizePrefixed) builder.finishSizePrefixed(table);
  else builder.finish(table);
  return builder.asUint8Array();
}

/** The event of a message behind its length, as code made by `flatc` reads it. */
function decoded(message: ByteBuffer): Event {
  const table = message.position() + message.readInt32(message.position());
  const place = (slot: number): number => message.__offset(table, 4 + 2 * slot);
  return {
    name: message.__string(table + place(0), Encoding.UTF16_STRING) as string,
    timestamp: place(1) === 0 ? 0n : message.readUint64(table + place(1)),
    value: place(2) === 0 ? 0 : message.readFloat64(table + place(2)),
  };
}

const text = "table Event { satellite_name: string (required); timestamp: ulong; value: double; } root_type Event;";
const eventConfig = { schema: { text } };
const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());
writeFileSync(folder.file("events.fb"), Buffer.concat(events.map((event) => encoded(event))));

const scalars: Readonly<Record<string, string>> = {
  bool: "bool",
  int8: "byte",
  int16: "short",
  int32: "int",
  int64: "long",
  uint8: "ubyte",
  uint16: "ushort",
  uint32: "uint",
  uint64: "ulong",
  float32: "float",
  float64: "double",
};

/** A schema with these columns, all of which may be null. */
function configOf({ columns }: Schema): { schema: { text: string } } {
  const fields = columns.map(({ name, type }) =>
    type === "utf8" ? `${name}: string;` : `${name}: ${scalars[type]} = null;`,
  );
  return { schema: { text: `table Row { ${fields.join(" ")} } root_type Row;` } };
}

describeFormat({
  definition: flatbuffers,
  types: [...Object.keys(scalars), "utf8"],
  readConfig: configOf,
  writeConfig: configOf,
  sample: folder.file("events.fb"),
  sampleConfig: eventConfig,
  refusesRows: true,
});

async function read(files: readonly FileContent[], config: object = eventConfig) {
  const format = flatbuffers.create(flatbuffers.config.parse(config));
  const found = await Array.fromAsync(format.decode!(files, new AbortController().signal));
  const batches: Batch[] = found.filter(isBatch);
  const cells = batches.map(cellsOf);
  for (const batch of batches) batch.close();
  return { cells, invalid: found.flatMap((item) => ("invalid" in item ? [(item as InvalidInput).invalid] : [])) };
}

describe("flatbuffers", () => {
  it.each([true, false])("reads what the npm package wrote, aligned with its length: %s", async (isSizePrefixed) => {
    const messages = events.map((event) => {
      const message = encoded(event, isSizePrefixed);
      if (isSizePrefixed) return message;
      const length = Buffer.alloc(4);
      length.writeUInt32LE(message.byteLength);
      return Buffer.concat([length, message]);
    });
    const { cells, invalid } = await read([fileOf("events", Buffer.concat(messages))]);
    expect(invalid).toEqual([]);
    expect(cells[0]).toEqual({
      satellite_name: events.map(({ name }) => name),
      timestamp: events.map(({ timestamp }) => timestamp),
      value: events.map(({ value }) => value),
    });
  });

  it("writes what the npm package reads, and files that can be put end to end", async () => {
    const format = flatbuffers.create(flatbuffers.config.parse(eventConfig));
    const found = await Array.fromAsync(
      format.decode!([await fileAt(folder.file("events.fb"))], new AbortController().signal),
    );
    const rows = found.find(isBatch)!;
    const written: Uint8Array[] = [];
    for (const name of ["first", "second"]) {
      const writer = await format.createWriter!(folder.file(name), rows.schema);
      await writer.write(rows);
      await writer.finish();
      written.push(await readFile(folder.file(name)));
    }
    rows.close();
    const bytes = Buffer.concat(written);
    const read: Event[] = [];
    for (let place = 0; place < bytes.byteLength;) {
      const length = bytes.readUInt32LE(place);
      place += SIZE_PREFIX_LENGTH;
      read.push(decoded(new ByteBuffer(Uint8Array.from(bytes.subarray(place, place + length)))));
      place += length;
    }
    expect(read).toEqual([...events, ...events]);
  });

  it("decodes messages of a topic, and tells those that are none by their index", async () => {
    const payloads = events.map((event): Uint8Array | null => encoded(event, false));
    payloads[5] = null;
    payloads[300] = payloads[300]!.subarray(0, 20);
    const plain = payloads.map((value, index) => ({
      offset: BigInt(index),
      timestampMs: 0n,
      key: null,
      value,
      headers: [],
    }));
    using messages = MessageSet.of(0, plain, 400n);
    const format = flatbuffers.create(flatbuffers.config.parse(eventConfig));
    const { rows, taken, invalid } = await format.decodeMessages!(messages, new AbortController().signal);
    const sound = events.filter((_, index) => index !== 5 && index !== 300);
    expect(cellsOf(rows)).toEqual({
      satellite_name: sound.map(({ name }) => name),
      timestamp: sound.map(({ timestamp }) => timestamp),
      value: sound.map(({ value }) => value),
    });
    expect([...taken!]).toEqual(events.flatMap((_, index) => (index === 5 || index === 300 ? [] : [index])));
    expect(invalid).toEqual([
      { index: 5, reason: "the message has no value, as one has that deletes its key" },
      { index: 300, reason: expect.any(String) as string },
    ]);
    rows.close();
  });

  it("tells a bad message with its place and bytes and reads the others", async () => {
    const messages = events.slice(0, 3).map((event) => encoded(event));
    const bad = Uint8Array.from(messages[1]!);
    bad.fill(255, 4, 8);
    const { cells, invalid } = await read([fileOf("bad", Buffer.concat([messages[0]!, bad, messages[2]!]))]);
    expect(cells[0]!["value"]).toEqual([events[0]!.value, events[2]!.value]);
    expect(invalid).toEqual([
      { name: "bad", position: messages[0]!.byteLength, reason: expect.any(String) as string, isPart: true },
    ]);
    expect(invalid[0]!.reason).toContain(Buffer.from(bad.subarray(4)).toString("base64"));
  });

  it("finds the schema beside the pipeline, and says what is wrong with it and where", async () => {
    await writeFile(folder.file("wrong.fbs"), "table Event {\n  value: dobule;\n}\nroot_type Event;\n");
    const create = (schema: string) =>
      flatbuffers.create(flatbuffers.config.parse({ schema }), { resolvePath: (path) => folder.file(path) });
    expect(() => create("wrong.fbs")).toThrow(/wrong\.fbs, line 2: field value: there is no type dobule/);
    expect(() => create("none.fbs")).toThrow(/none\.fbs/);
    await writeFile(folder.file("event.fbs"), text);
    expect(create("event.fbs").schema!.columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
      "satellite_name utf8",
      "timestamp uint64",
      "value float64",
    ]);
  });
});
