/**
 * Sferic's side of reading text: `reading.ts csv|json FILE`, FILE as peers/csv_reading.py or peers/json_reading.py makes
 * it. The rows are made in the core.
 */
import { basename } from "node:path";
import { csv } from "@sferic/formats/csv";
import { json } from "@sferic/formats/json";
import type { FileContent } from "@sferic/operator";
import { serve } from "./serve.ts";

const [name = "", path = ""] = process.argv.slice(2);
const file: FileContent = {
  name: basename(path),
  path,
  byteLength: 0,
  bytes: () => Promise.reject(new Error("Read in the core.")),
};
const readings = { time: "timestamp", sensor: "int32", name: "utf8", value: "float64", quality: "int32" };
const clicks = {
  datetime: "timestamp",
  user: { id: "int32", is_member: "bool" },
  sales: { quantity: "int32", items: [{ sku: "utf8", price: "float64" }] },
  analytics: { clicks: "int32", impressions: "int32" },
  tags: ["utf8"],
};
const format =
  name === "csv"
    ? csv.create(csv.config.parse({ schema: readings }))
    : json.create(json.config.parse({ schema: clicks }));

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
