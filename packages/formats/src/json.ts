import { createJson, decodeJsonMessages, jsonSchema, readJsonFiles } from "@sferic/bindings/formats";
import { defineFormat, type Schema } from "@sferic/operator";
import { z } from "zod";
import { declaredSchema, nestedSchemaField } from "./declared-schema.ts";
import { compressedEnding, compressionField } from "./text-compression.ts";
import { encodingField } from "./text-encoding.ts";

const config = z.strictObject({
  layout: z
    .enum(["lines", "array"])
    .default("lines")
    .describe("`lines`: one object per line. `array`: one array of objects."),
  schema: nestedSchemaField
    .optional()
    .describe(
      "Columns and their types when reading, nested like the objects, a list as its element in brackets; inferred from the first rows when left out.",
    ),
  encoding: encodingField,
  compression: compressionField,
});

/** JSON (RFC 8259). Times are written as RFC 3339 in UTC, NaN and infinities as `null`; a key that no column names is ignored. A message of a topic is one object, whatever the `layout`, and needs a `schema`. */
export const json = defineFormat({
  type: "json",
  since: "0.1.0",
  status: "stable",
  summary: "JSON, as lines of objects or as an array of them, read and written.",
  config,
  errors: ["disk-full", "permission-denied"],
  examples: [
    { title: "One object per line", config: { layout: "lines" } },
    { title: "One array of objects, compressed", config: { layout: "array", compression: "zstd" } },
  ],
  create: (c) => {
    const declared: Schema | undefined = c.schema === undefined ? undefined : declaredSchema(c.schema);
    const options = {
      layout: c.layout,
      encoding: c.encoding,
      ...(declared === undefined ? {} : { schema: declared }),
    };
    return {
      ending: compressedEnding("json", c.compression),
      ...(declared === undefined ? {} : { schema: declared }),
      probe: (file) => (declared === undefined ? jsonSchema(file, options) : Promise.resolve(declared)),
      decode: (files, signal, request) => readJsonFiles(files, options, request, signal),
      ...(declared === undefined
        ? {}
        : { decodeMessages: (messages, signal) => decodeJsonMessages(messages, declared, signal) }),
      readsManyFiles: true,
      createWriter: (path, schema) => createJson(path, schema, c),
      canContinue: c.layout === "lines" && c.compression === "none",
      ...(c.layout === "lines" && c.compression === "none" ? { rowFraming: "newline" } : {}),
    };
  },
});
