import { createCsv, csvSchema, readCsvFiles } from "@sferic/bindings/formats";
import { defineFormat, type Schema } from "@sferic/operator";
import { z } from "zod";
import { declaredSchema, schemaField } from "./declared-schema.ts";
import { compressedEnding, compressionField } from "./text-compression.ts";
import { encodingField } from "./text-encoding.ts";

const config = z.strictObject({
  header: z.boolean().default(true).describe("Whether the first line holds the column names."),
  delimiter: z.string().length(1).default(",").describe("Character between the fields."),
  null: z.string().default("").describe("Text that stands for a null when writing."),
  schema: schemaField
    .optional()
    .describe(
      "Columns and their types when reading; inferred from the first rows when left out, and then a row that does not fit them is invalid.",
    ),
  encoding: encodingField,
  compression: compressionField,
});

/** Comma-separated values (RFC 4180); LF, CR LF and CR alone end a line. Of columns with the same name the second gets `_1` behind its own. Times are written as RFC 3339 in UTC, floats with the fewest digits that read back. */
export const csv = defineFormat({
  type: "csv",
  since: "0.1.0",
  status: "stable",
  summary: "Comma-separated values, read and written.",
  config,
  errors: ["disk-full", "permission-denied"],
  examples: [{ title: "Tab-separated", config: { delimiter: "\t" } }],
  create: (c) => {
    const declared: Schema | undefined = c.schema === undefined ? undefined : declaredSchema(c.schema);
    const options = {
      header: c.header,
      delimiter: c.delimiter,
      encoding: c.encoding,
      ...(declared === undefined ? {} : { schema: declared }),
    };
    return {
      ending: compressedEnding("csv", c.compression),
      ...(declared === undefined ? {} : { schema: declared }),
      probe: (file) => csvSchema(file, options),
      decode: (files, signal, request) => readCsvFiles(files, options, request, signal),
      readsManyFiles: true,
      createWriter: (path, schema, continues = false) =>
        createCsv(path, schema, { ...c, header: c.header && !continues }),
      canContinue: c.compression === "none",
    };
  },
});
