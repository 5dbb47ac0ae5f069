/** Sferic's side of FlatBuffers: `flatbuffers.ts FILE SCHEMA` decodes what flatbuffers-js.ts makes, as messages of a topic. */
import { readFile } from "node:fs/promises";
import { MessageSet } from "@sferic/bindings/kafka";
import { flatbuffers } from "@sferic/formats/flatbuffers";
import { type Batch, rowsOf } from "@sferic/operator";
import { serve } from "./serve.ts";

const messagesPerSet = 65_536;
const [file = "", schema = ""] = process.argv.slice(2);
const format = flatbuffers.create(flatbuffers.config.parse({ schema }));

const bytes = await readFile(file);
const values: Buffer[] = [];
for (let at = 0; at < bytes.length;) {
  const begin = at + 4;
  at = begin + bytes.readUInt32LE(at);
  values.push(bytes.subarray(begin, at));
}
const messages = values.map((value, index) => ({
  offset: BigInt(index),
  timestampMs: -1n,
  key: null,
  value,
  headers: [],
}));
const sets: MessageSet[] = [];
for (let from = 0; from < messages.length; from += messagesPerSet) {
  sets.push(MessageSet.of(0, messages.slice(from, from + messagesPerSet), BigInt(messages.length)));
}
const { signal } = new AbortController();

/** Calls with the rows of one set after the other, and lets go of them. */
async function decoded(take: (rows: Batch) => void): Promise<void> {
  for (const set of sets) {
    const { rows, invalid } = await format.decodeMessages!(set, signal);
    if (invalid.length > 0) throw new Error(invalid[0]!.reason);
    take(rows);
    rows.close();
  }
}

await serve({
  versions: {},
  work: async () => {
    let rows = 0;
    await decoded(({ rowCount }) => (rows += rowCount));
    return rows;
  },
  values: async (rows) => {
    let sum = 0;
    await decoded((batch) => {
      for (const row of rowsOf(batch)) sum += Number(row["temp_c"]);
    });
    return { rows, sum };
  },
});
