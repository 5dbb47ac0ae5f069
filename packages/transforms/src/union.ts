import { batches } from "@sferic/bindings/batch";
import { conformBatch } from "@sferic/bindings/reshape";
import {
  callable,
  type Column,
  ConfigError,
  type ConfigProblem,
  type DataType,
  defineTransform,
  Schema,
} from "@sferic/operator";
import { z } from "zod";
import { knownRows } from "./known-rows.ts";

const config = z.strictObject({
  missing: z
    .enum(["null", "refuse"])
    .default("refuse")
    .describe("Whether a column that an input lacks is null in its rows, or an issue."),
});

/**
 * The rows of all inputs, one input after the other, by the names of their columns in the order of their first appearance.
 * Integers and floats become the wider type of both, times the finer unit.
 */
export const union = callable(
  defineTransform({
    type: "union",
    since: "0.1.0",
    status: "stable",
    summary: "Put the rows of several inputs together.",
    needs: "batch",
    inputs: "any",
    config,
    output: (inputs, c) => ({ main: unionSchema(inputs, c.missing) }),
    reads: (inputs, _, wanted) => {
      const present = ({ names }: Schema): string[] => wanted.filter((name) => names.includes(name));
      return Object.fromEntries(Object.entries(inputs).map(([input, schema]) => [input, present(schema)]));
    },
    errors: [],
    examples: [{ title: "Two inputs of the same columns", data: "glm-minute", inputs: ["a", "b"], config: {} }],
    create: (c) => ({
      async *apply(_, _epoch, inputs) {
        const entries = Object.entries(inputs);
        const all = await Promise.all(entries.map(async ([name, rows]) => [name, await knownRows(rows)] as const));
        const known = all.flatMap(([name, rows]) => (rows === null ? [] : [[name, rows] as const]));
        const schemas = Object.fromEntries(known.map(([name, { schema }]) => [name, schema]));
        const columns = unionSchema(c.missing === "null" ? schemas : sharedColumns(schemas), c.missing);
        for (const [, { rows }] of known) {
          for await (const batch of rows) yield conformBatch(batch, columns);
        }
      },
    }),
  }),
  () => Promise.resolve(batches),
);

/** What all inputs have; one may bring columns that nobody reads and another leaves out. */
function sharedColumns(inputs: Readonly<Record<string, Schema>>): Readonly<Record<string, Schema>> {
  const all = Object.values(inputs);
  const isShared = ({ name }: Column): boolean => all.every((schema) => schema.column(name) !== undefined);
  const shared = ({ columns }: Schema): Schema => new Schema(columns.filter(isShared));
  return Object.fromEntries(Object.entries(inputs).map(([name, schema]) => [name, shared(schema)]));
}

function unionSchema(inputs: Readonly<Record<string, Schema>>, missing: "null" | "refuse"): Schema {
  const schemas = Object.values(inputs);
  const names = [...new Set(schemas.flatMap((schema) => schema.names))];
  const problems: ConfigProblem[] = [];
  const columns = names.map((name) => {
    const absent = Object.entries(inputs).filter(([, schema]) => schema.column(name) === undefined);
    if (absent.length > 0 && missing === "refuse") {
      const message = `"${absent[0]![0]}" has no column "${name}"; set "missing" to "null", or make the columns the same in a select before`;
      problems.push({ code: "schema-mismatch", message, pointer: "/from" });
    }
    const present = schemas.flatMap((schema) => schema.column(name) ?? []);
    const merged = present.reduce((a, b) => together(a, b, problems));
    return { ...merged, nullable: merged.nullable || absent.length > 0 };
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return new Schema(columns);
}

function together(a: Column, b: Column, problems: ConfigProblem[]): Column {
  const type = widerType(a.type, b.type);
  if (type === undefined) {
    const message = `"${a.name}" is ${a.type} in one input and ${b.type} in another; convert one in a select before`;
    problems.push({ code: "column-type", message, pointer: "/from" });
  }
  if (a.unit !== undefined && b.unit !== undefined && a.unit !== b.unit) {
    const message = `"${a.name}" is in ${a.unit} in one input and in ${b.unit} in another`;
    problems.push({ code: "unit-mismatch", message, pointer: "/from" });
  }
  const unit = a.unit ?? b.unit;
  const { name } = a;
  return { name, type: type ?? a.type, nullable: a.nullable || b.nullable, ...(unit === undefined ? {} : { unit }) };
}

/** Types from narrow to wide, of which each holds every value of those before it. */
const widths: readonly (readonly DataType[])[] = [
  ["int8", "int16", "int32", "int64"],
  ["uint8", "uint16", "uint32", "uint64"],
  ["uint8", "int16", "int32", "int64"],
  ["uint16", "int32", "int64"],
  ["uint32", "int64"],
  ["int8", "int16", "float32", "float64"],
  ["uint8", "uint16", "float32", "float64"],
  ["int32", "float64"],
  ["uint32", "float64"],
  ...["", ", UTC"].map((zone) => ["s", "ms", "us", "ns"].map((unit) => `timestamp[${unit}${zone}]`)),
];

/** The narrower of the types that hold every value of both; undefined when there is none. */
function widerType(a: DataType, b: DataType): DataType | undefined {
  if (a === b) return a;
  const row = widths.find((types) => types.includes(a) && types.includes(b));
  return row?.[Math.max(row.indexOf(a), row.indexOf(b))];
}
