/**
 * Sferic's side of writing Parquet: `parquet.ts FILE zstd|snappy`, FILE as peers/parquet.py makes it. The core holds the
 * table before the clock starts; the clock covers the file until it is on the disk and its footer was read back.
 */
import { rm } from "node:fs/promises";
import { basename } from "node:path";
import { createParquet, readParquet } from "@sferic/bindings/formats";
import type { Batch, FileContent } from "@sferic/operator";
import { serve } from "./serve.ts";

const [source = "", codec = ""] = process.argv.slice(2);
const path = `${source}.sferic.${codec}`;
const file: FileContent = {
  name: basename(source),
  path: source,
  byteLength: 0,
  bytes: () => Promise.reject(new Error("Read in the core.")),
};
const table: Batch[] = await Array.fromAsync(readParquet(file));

await serve({
  versions: {},
  before: () => rm(path, { force: true }),
  work: async () => {
    const writer = await createParquet(path, table[0]!.schema, { compression: codec as "zstd" | "snappy" });
    for (const batch of table) await writer.write(batch);
    return writer.finish();
  },
  values: ({ rows, bytes }) => ({ rows, bytes }),
});
