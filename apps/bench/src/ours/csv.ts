/** Sferic's side of reading CSV: `csv.ts FILE`, FILE as peers/csv_reading.py makes it. The rows are made in the core. */
import { basename } from "node:path";
import { csv } from "@sferic/formats/csv";
import type { FileContent } from "@sferic/operator";
import { serve } from "./serve.ts";

const [path = ""] = process.argv.slice(2);
const file: FileContent = {
  name: basename(path),
  path,
  byteLength: 0,
  bytes: () => Promise.reject(new Error("Read in the core.")),
};
const schema = { time: "timestamp", sensor: "int32", name: "utf8", value: "float64", quality: "int32" };
const format = csv.create(csv.config.parse({ schema }));

await serve({
  versions: {},
  work: async () => {
    let rows = 0;
    for await (const one of format.decode!([file], new AbortController().signal)) {
      if ("invalid" in one) throw new Error(one.invalid.reason);
      rows += one.rowCount;
      one.close();
    }
    return rows;
  },
  values: (rows) => ({ rows }),
});
