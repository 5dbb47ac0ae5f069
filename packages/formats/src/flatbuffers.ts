import { FlatbuffersSchema } from "@sferic/bindings/formats";
import { asOperatorError, ConfigError, defineFormat } from "@sferic/operator";
import { z } from "zod";

const config = z.strictObject({
  schema: z
    .union([z.string().min(1), z.strictObject({ text: z.string().describe("The schema itself, as a `.fbs` has it.") })])
    .describe(
      "Path of the schema: a `.fbs`, with the files it includes beside it, or a `.bfbs` of `flatc --binary --schema --bfbs-builtins`; or `{ text }`.",
    ),
  root: z
    .string()
    .min(1)
    .optional()
    .describe("Full name of the root table, such as `event.Event`; the schema's `root_type` when left out."),
});

/**
 * FlatBuffers messages, each with its length before it (`finishSizePrefixed`): 4 bytes, little-endian. Scalars keep their
 * types, with their defaults; a field declared `= null`, and one of a table that is not there, is null. Enums are the
 * names of their values, an unknown value its number; enums with `bit_flags` are integers. Fields of tables and structs
 * inside are columns named by their path (`maker_name`), vectors and arrays are lists. Deprecated fields are left out;
 * unions and tables that hold themselves are refused. Every message is verified; one that is not sound goes to `invalid`
 * with its place and, in base64, its first 1,024 bytes, and the others are read. A message of a topic has no length before it. Writing, nulls and defaults are left
 * out of a message; a null without a place in the schema ends the run.
 */
export const flatbuffers = defineFormat({
  type: "flatbuffers",
  since: "0.1.0",
  status: "experimental",
  summary: "FlatBuffers messages of a schema, each with its length before it, read and written.",
  config,
  errors: ["invalid-schema", "unencodable-row", "disk-full", "permission-denied"],
  examples: [
    {
      title: "Readings, by a schema in the pipeline itself",
      config: {
        schema: {
          text: "table Event { satellite_name: string (required); timestamp: ulong; value: double; } root_type Event;",
        },
      },
    },
  ],
  create: (c, context) => {
    const schema = openSchema(c, context?.resolvePath ?? ((path) => path));
    return {
      ending: "fb",
      schema: schema.columns,
      probe: () => Promise.resolve(schema.columns),
      decode: (files, signal, request) => schema.read(files, request, signal),
      decodeMessages: (messages, signal) => schema.decodeMessages(messages, signal),
      readsManyFiles: true,
      createWriter: (path, columns) => schema.create(path, columns),
      canContinue: true,
      rowFraming: "length",
    };
  },
});

function openSchema(
  { schema, root }: z.output<typeof config>,
  resolvePath: (path: string) => string,
): FlatbuffersSchema {
  try {
    return new FlatbuffersSchema(typeof schema === "string" ? { path: resolvePath(schema) } : schema, root);
  } catch (thrown) {
    const { code, message } = asOperatorError(thrown);
    throw new ConfigError([{ code, message, pointer: "/format/schema" }]);
  }
}
