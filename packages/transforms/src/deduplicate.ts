import { batches } from "@sferic/bindings/batch";
import { Projection, quoted, runQuery, takeRows } from "@sferic/bindings/relational";
import { callable, column, defineTransform, Schema } from "@sferic/operator";
import { z } from "zod";
import { epochRows } from "./epoch-rows.ts";
import { numberedRows } from "./numbered-rows.ts";

const config = z.strictObject({
  keys: z.array(z.string()).min(1).describe("Columns that tell rows apart; null equals null, and NaN equals NaN."),
});

const rowNumber = new Schema([column("row", "int64")]);

/** Keeps the first row, in input order, of all rows of an epoch that are equal in some columns. The order stays. */
export const deduplicate = callable(
  defineTransform({
    type: "deduplicate",
    since: "0.1.0",
    status: "stable",
    summary: "Keep the first of the rows that are equal in some columns.",
    needs: "epoch",
    config,
    output: ({ main }, c) => ({ main: main!.require(c.keys, "any", "/keys") }),
    errors: [],
    examples: [
      { title: "The first flash of every quality", data: "glm-minute", config: { keys: ["quality_flag"] } },
      { title: "One flash per place", data: "glm-minute", config: { keys: ["flash_lon", "flash_lat"] } },
    ],
    create: (c) => {
      const onlyKeys = new Projection(Object.fromEntries(c.keys.map((key) => [key, quoted(key)])), null);
      return {
        async *apply(input, { signal }) {
          const rows = await epochRows(input);
          if (rows === null) return;
          try {
            const keys = await onlyKeys.apply(rows.share(), signal);
            const { sql, number } = numberedRows("keys", keys.schema);
            const first = `SELECT min(${number}) FROM ${sql} GROUP BY ${c.keys.map(quoted).join(", ")} ORDER BY 1`;
            const answers = await runQuery({ keys }, first, rowNumber, signal);
            for (const answer of answers) yield takeRows(rows, rows.schema.names, answer);
          } finally {
            rows.close();
          }
        },
      };
    },
  }),
  () => Promise.resolve(batches),
);
