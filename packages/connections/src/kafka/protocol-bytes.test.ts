import { createRequire } from "node:module";
import { expect, it } from "vitest";
import { ProtocolReader, ProtocolWriter } from "./protocol-bytes.ts";

/** The encoder of kafkajs, as far as it is used here. */
interface Encoder {
  readonly buffer: Buffer;
  writeInt8(value: number): Encoder;
  writeInt16(value: number): Encoder;
  writeInt32(value: number): Encoder;
  writeInt64(value: string): Encoder;
  writeString(value: string | null): Encoder;
  writeBytes(value: Buffer): Encoder;
  writeUVarInt(value: number): Encoder;
  writeUVarIntString(value: string): Encoder;
  writeArray(values: readonly number[]): Encoder;
}

const TheirEncoder = createRequire(import.meta.url)("kafkajs/src/protocol/encoder") as new () => Encoder;

const varints = [0, 1, 127, 128, 300, 16_383, 16_384, 2 ** 31 - 1];

/** Every kind of value, as kafkajs encodes it. */
function theirs(): Buffer {
  const encoder = new TheirEncoder().writeInt8(-5).writeInt16(-300).writeInt32(-70_000).writeInt64("-9007199254740993");
  encoder
    .writeString("grün")
    .writeString(null)
    .writeBytes(Buffer.from([1, 2, 255]));
  for (const value of varints) encoder.writeUVarInt(value);
  return encoder.writeUVarIntString("ü").writeArray([3, 4]).buffer;
}

it("writes values as another client does", () => {
  const writer = new ProtocolWriter().int8(-5).int16(-300).int32(-70_000).int64(-9007199254740993n);
  writer
    .string("grün")
    .string(null)
    .bytes(Uint8Array.of(1, 2, 255));
  for (const value of varints) writer.unsignedVarint(value);
  writer.compactString("ü").array([3, 4], (value) => writer.int32(value));
  expect(writer.toBuffer().toString("hex")).toBe(theirs().toString("hex"));
});

it("reads what another client has written", () => {
  const reader = new ProtocolReader(theirs());
  expect([reader.int8(), reader.int16(), reader.int32(), reader.int64()]).toEqual([
    -5,
    -300,
    -70_000,
    -9007199254740993n,
  ]);
  expect([reader.string(), reader.string(), [...reader.bytes()!]]).toEqual(["grün", null, [1, 2, 255]]);
  expect(varints.map(() => reader.unsignedVarint())).toEqual(varints);
  expect(reader.compactString()).toBe("ü");
  expect(reader.array(() => reader.int32())).toEqual([3, 4]);
});

it.each([
  ["ends too early", Buffer.from("0005616263", "hex"), (reader: ProtocolReader) => reader.string()],
  ["has more items than can be", Buffer.from("7fffffff", "hex"), (reader: ProtocolReader) => reader.array(() => 0)],
  ["has an integer without end", Buffer.alloc(9, 0xff), (reader: ProtocolReader) => reader.unsignedVarint()],
  ["is empty", Buffer.alloc(0), (reader: ProtocolReader) => reader.int64()],
])("an answer that %s is refused", (_, bytes, read) => {
  expect(() => read(new ProtocolReader(bytes))).toThrow(RangeError);
});
