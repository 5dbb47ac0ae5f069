/**
 * The side of the JavaScript library `flatbuffers`: `flatbuffers-js.ts make FILE COUNT` writes events of the satellites, each
 * with its length before it; `flatbuffers-js.ts decode FILE` reads every field of each into columns.
 */
import { readFile, writeFile } from "node:fs/promises";
import { Builder, ByteBuffer } from "flatbuffers";
import { serve } from "../ours/serve.ts";

const fieldCount = 8;
/** Places of the fields in a table, in the order of the schema: a name, a time, and six numbers. */
const places = Array.from({ length: fieldCount }, (_, field) => 4 + 2 * field);
const [namePlace, timePlace, ...numberPlaces] = places as [number, number, ...number[]];
const bytesPerEvent = 160;
const [role = "", file = "", count = "0"] = process.argv.slice(2);

function eventOf(index: number): Uint8Array {
  const builder = new Builder(bytesPerEvent);
  const name = builder.createString(`sat${index % 1000}`);
  builder.startObject(fieldCount);
  builder.addFieldOffset(0, name, 0);
  builder.addFieldInt64(1, 1_767_225_600_000_000_000n + BigInt(index) * 1_000_000n, 0n);
  numberPlaces.forEach((_, number) => builder.addFieldFloat64(2 + number, Math.sin(index / 7 + number), 0));
  builder.finishSizePrefixed(builder.endObject());
  return builder.asUint8Array();
}

/** Columns of events. */
interface Columns {
  readonly names: string[];
  readonly times: BigInt64Array;
  readonly numbers: readonly Float64Array[];
}

function decoded(bytes: Uint8Array, begins: readonly number[]): Columns {
  const rows = begins.length;
  const names: string[] = [];
  const times = new BigInt64Array(rows);
  const numbers = numberPlaces.map(() => new Float64Array(rows));
  const buffer = new ByteBuffer(bytes);
  for (let row = 0; row < rows; row += 1) {
    const begin = begins[row]!;
    const table = begin + buffer.readInt32(begin);
    names.push(buffer.__string(table + buffer.__offset(table, namePlace)) as string);
    times[row] = buffer.readInt64(table + buffer.__offset(table, timePlace));
    for (let number = 0; number < numbers.length; number += 1) {
      const place = buffer.__offset(table, numberPlaces[number]!);
      // What is 0 is not there.
      if (place !== 0) numbers[number]![row] = buffer.readFloat64(table + place);
    }
  }
  return { names, times, numbers };
}

if (role === "make") {
  await writeFile(file, Buffer.concat(Array.from({ length: Number(count) }, (_, index) => eventOf(index))));
} else {
  const bytes = await readFile(file);
  const begins: number[] = [];
  for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32LE(at)) begins.push(at + 4);
  await serve({
    versions: {},
    work: () => Promise.resolve(decoded(bytes, begins)),
    values: ({ names, numbers }) => ({ rows: names.length, sum: numbers[0]!.reduce((sum, value) => sum + value, 0) }),
  });
}
