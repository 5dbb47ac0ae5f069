import { batches } from "@sferic/bindings/batch";
import { flattenBatch } from "@sferic/bindings/reshape";
import {
  callable,
  type Column,
  ConfigError,
  type ConfigProblem,
  defineTransform,
  Schema,
  toPointer,
} from "@sferic/operator";
import { z } from "zod";
import { structFields } from "./struct-fields.ts";

const config = z.strictObject({
  columns: z
    .array(z.string())
    .min(1)
    .optional()
    .describe("Nested columns to lay flat; all that are structs by default."),
  names: z
    .enum(["path", "leaf"])
    .default("path")
    .describe("What a column is called: the names on the way to it, joined by the separator, or the last of them."),
  separator: z.string().default("_").describe("Between the names of a path."),
});

type Config = z.output<typeof config>;

/** A column of the result and how to get to it. */
interface Leaf {
  readonly path: readonly string[];
  readonly column: Column;
}

/**
 * Replaces nested columns by a column for every field that is not nested itself, in their place and order. A field is null
 * where the struct around it is. Lists stay as they are. Copies no values.
 */
export const flatten = callable(
  defineTransform({
    type: "flatten",
    since: "0.1.0",
    status: "stable",
    summary: "Turn the fields of nested columns into columns.",
    needs: "batch",
    config,
    output: ({ main }, c) => ({ main: outputSchema(main!, c) }),
    reads: ({ main }, c, wanted) => ({
      main: leavesOf(main!, c).flatMap(({ path, column }) => (wanted.includes(column.name) ? path[0]! : [])),
    }),
    errors: [],
    examples: [{ title: "Fields by their own names", data: "nested-clicks", config: { names: "leaf" } }],
    create: (c) => ({
      async *apply(rows) {
        for await (const batch of rows) {
          const leaves = leavesOf(batch.schema, c);
          const columns = new Schema(leaves.map(({ column }) => column));
          yield flattenBatch(
            batch,
            leaves.map(({ path }) => path),
            columns,
          );
        }
      },
    }),
  }),
  () => Promise.resolve(batches),
);

function leavesOf(schema: Schema, c: Config): Leaf[] {
  return schema.columns.flatMap((column) => {
    if (c.columns !== undefined && !c.columns.includes(column.name)) return [{ path: [column.name], column }];
    return leavesBelow([column.name], column, c);
  });
}

function leavesBelow(path: readonly string[], column: Column, c: Config): Leaf[] {
  const fields = structFields(column.type);
  if (fields === null) {
    const name = c.names === "leaf" ? path.at(-1)! : path.join(c.separator);
    return [{ path, column: { ...column, name } }];
  }
  return fields.flatMap(({ name, type }) => leavesBelow([...path, name], { name, type, nullable: true }, c));
}

function outputSchema(schema: Schema, c: Config): Schema {
  const problems = [...notNested(schema, c.columns ?? []), ...clashes(leavesOf(schema, c), c)];
  if (problems.length > 0) throw new ConfigError(problems);
  return new Schema(leavesOf(schema, c).map(({ column }) => column));
}

function notNested(schema: Schema, columns: readonly string[]): ConfigProblem[] {
  return schema.pick(columns).flatMap(({ name, type }, index) => {
    if (structFields(type) !== null) return [];
    return [
      { code: "column-type", message: `column "${name}" is ${type}, not a struct`, pointer: `/columns/${index}` },
    ];
  });
}

function clashes(leaves: readonly Leaf[], { names }: Config): ConfigProblem[] {
  const first = new Map<string, Leaf>();
  return leaves.flatMap((leaf) => {
    const other = first.get(leaf.column.name);
    first.set(leaf.column.name, other ?? leaf);
    if (other === undefined) return [];
    const remedy = names === "leaf" ? 'use "names": "path"' : 'choose another "separator"';
    const message = `${other.path.join(".")} and ${leaf.path.join(".")} would both be called "${leaf.column.name}"; ${remedy}`;
    return [{ code: "duplicate-column", message, pointer: names === "leaf" ? toPointer(["names"]) : "" }];
  });
}
