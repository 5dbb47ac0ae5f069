import { z } from "zod";
import { nearest } from "./nearest.ts";

/** Names of the types that take no argument, as a spec's `schema` may have them. */
const plainTypes =
  "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 utf8 binary date32 timestamp".split(" ");

/** What other systems call them. */
const otherNames: Readonly<Record<string, string>> = {
  bigint: "int64",
  boolean: "bool",
  bytes: "binary",
  date: "date32",
  datetime: "timestamp",
  double: "float64",
  float: "float64",
  int: "int64",
  integer: "int64",
  long: "int64",
  number: "float64",
  string: "utf8",
  text: "utf8",
  varchar: "utf8",
};

const withArguments = /^(timestamp\[(s|ms|us|ns)(, ?\S+)?\]|time(32|64)\[(s|ms|us|ns)\]|decimal128\(\d+, ?-?\d+\))$/;
/** What is inside is for the core to read. */
const nested = /^(list|struct|map|dictionary)<.*>$/s;
const rarer = new Set(["null", "float16", "large_utf8", "utf8_view", "large_binary", "binary_view", "date64"]);

/** Schema of a configuration field that holds the type of a column as text, such as `"float64"`. */
export const columnTypeField = z.string().superRefine((text, context) => {
  if (plainTypes.includes(text) || rarer.has(text) || withArguments.test(text) || nested.test(text)) return;
  const message = `is not a column type; there are ${plainTypes.join(", ")}, decimal128(18, 4) and others`;
  const near = Object.hasOwn(otherNames, text) ? otherNames[text] : nearest(text, plainTypes);
  context.addIssue({ code: "custom", message, ...(near === undefined ? {} : { params: { near } }) });
});
