import { type Column, column, Schema } from "@sferic/operator";
import { z } from "zod";

/** A `schema` field: column name to type text, such as `"float64"` or `"timestamp"`. */
export const schemaField = z.record(z.string(), z.string());

/** The schema that a `schema` field declares; every column may hold nulls. `timestamp` is microseconds in UTC. */
export function declaredSchema(declared: z.output<typeof schemaField>): Schema {
  const toColumn = ([name, type]: [string, string]): Column =>
    column(name, type === "timestamp" ? "timestamp[us, UTC]" : type, { nullable: true });
  return new Schema(Object.entries(declared).map(toColumn));
}
