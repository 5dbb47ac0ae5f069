import { type Column, column, columnTypeField, Schema } from "@sferic/operator";
import { z } from "zod";

/** A `schema` field: column name to type text, such as `"float64"` or `"timestamp"`. */
export const schemaField = z.record(z.string(), columnTypeField);

/** A type text, an object's members by name, or a list's only element. */
type NestedType = string | { readonly [name: string]: NestedType } | readonly [NestedType];

const members: z.ZodType<Readonly<Record<string, NestedType>>> = z
  .record(
    z.string(),
    z.lazy(() => nestedType),
  )
  .refine((object) => Object.keys(object).length > 0, "needs at least one member");

const nestedType: z.ZodType<NestedType> = z.lazy(() => z.union([columnTypeField, members, z.tuple([nestedType])]));

/** As {@link schemaField}, for formats with nested columns: `{ "a": { "b": "int32" }, "c": [{ "d": "utf8" }] }`. */
export const nestedSchemaField: z.ZodType<Readonly<Record<string, NestedType>>> = z.record(z.string(), nestedType);

/** The schema that a `schema` field declares; every column may hold nulls. `timestamp` is microseconds in UTC. */
export function declaredSchema(declared: Readonly<Record<string, NestedType>>): Schema {
  const toColumn = ([name, type]: [string, NestedType]): Column => column(name, typeText(type), { nullable: true });
  return new Schema(Object.entries(declared).map(toColumn));
}

function typeText(type: NestedType): string {
  if (typeof type === "string") {
    return type.replaceAll(/(^|[<:]\s*)timestamp(?=\s*(?:[,>]|$))/g, "$1timestamp[us, UTC]");
  }
  if (isList(type)) return `list<${typeText(type[0])}>`;
  const members = Object.entries(type).map(([name, member]) => `${nameText(name)}: ${typeText(member)}`);
  return `struct<${members.join(", ")}>`;
}

function isList(type: NestedType): type is readonly [NestedType] {
  return Array.isArray(type);
}

/** A member's name, in quotes where the type text could not be taken apart otherwise. */
function nameText(name: string): string {
  const isPlain = name.trim() === name && /^[^,:<>()[\]"]+$/.test(name);
  return isPlain ? name : `"${name.replaceAll('"', '""')}"`;
}
