import { batches } from "@sferic/bindings/batch";
import { checkQuery, runQuery } from "@sferic/bindings/query";
import { quoted } from "@sferic/bindings/relational";
import { callable, checkedPorts, ConfigError, defineTransform, Schema } from "@sferic/operator";
import { z } from "zod";
import { freeName, knownRows } from "./known-rows.ts";
import { perSchema } from "./per-schema.ts";

const config = z.strictObject({
  keys: z.array(z.string()).min(1).describe("Columns that tell rows apart; null equals null, and NaN equals NaN."),
});

/**
 * Keeps the first row, in input order, of all rows of an epoch that are equal in some columns. The order stays. Memory holds
 * the rows that are kept, and beyond its limit the disk.
 */
export const deduplicate = callable(
  defineTransform({
    type: "deduplicate",
    since: "0.1.0",
    status: "stable",
    summary: "Keep the first of the rows that are equal in some columns.",
    needs: "epoch",
    config,
    output: ({ main }, c) => checkedPorts({ main: outputSchema(main!) }, () => main!.require(c.keys, "any", "/keys")),
    reads: (_, c, wanted) => ({ main: [...wanted, ...c.keys] }),
    errors: [],
    examples: [
      { title: "The first flash of every quality", data: "glm-minute", config: { keys: ["quality_flag"] } },
      { title: "One flash per place", data: "glm-minute", config: { keys: ["flash_lon", "flash_lat"] } },
    ],
    create: (c, { memoryBytesMax }) => {
      const columns = perSchema((schema) => outputSchema(schema!));
      return {
        async *apply(rows, { signal }) {
          const input = await knownRows(rows);
          if (input === null) return;
          const rowNumber = freeName("row_number", input.schema);
          const sql = query(input.schema, c.keys, quoted(rowNumber));
          const options = { signal, memoryBytesMax };
          yield* runQuery({ input: { ...input, rowNumber } }, sql, columns(input.schema), options);
        },
      };
    },
  }),
  () => Promise.resolve(batches),
);

/** The columns as the query gives them: the text of a dictionary where the input has one. */
function outputSchema(schema: Schema): Schema {
  const { columns, problems } = checkQuery({ input: schema }, "SELECT * FROM input", "");
  if (problems.length > 0) throw new ConfigError(problems);
  return new Schema(schema.columns.map((column, index) => ({ ...column, type: columns[index]!.type })));
}

function query({ names }: Schema, keys: readonly string[], row: string): string {
  const first = `row_number() OVER (PARTITION BY ${keys.map(quoted).join(", ")} ORDER BY ${row}) = 1`;
  return `SELECT ${names.map(quoted).join(", ")} FROM input QUALIFY ${first} ORDER BY ${row}`;
}
