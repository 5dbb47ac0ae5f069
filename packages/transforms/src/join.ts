import { batches } from "@sferic/bindings/batch";
import { checkQuery, runQuery } from "@sferic/bindings/query";
import type { LookupParams } from "@sferic/bindings/lookup";
import { quoted } from "@sferic/bindings/relational";
import {
  callable,
  type Column,
  ConfigError,
  type ConfigProblem,
  defineTransform,
  OperatorError,
  Schema,
  toPointer,
} from "@sferic/operator";
import { z } from "zod";
import { commonKind } from "./column-kinds.ts";
import { knownRows } from "./known-rows.ts";
import { lookedUp, lookupOrRows } from "./lookup-join.ts";
import { perSchema } from "./per-schema.ts";

const kinds = ["inner", "left", "right", "full", "semi", "anti"] as const;

const config = z.strictObject({
  on: z
    .union([z.array(z.string()).min(1), z.record(z.string().min(1), z.string().min(1))])
    .describe(
      "Columns that must be equal: names that both inputs have, or left name to right name. Null equals nothing.",
    ),
  kind: z
    .enum(kinds)
    .default("inner")
    .describe(
      "Which rows stay without a match: none (inner), those of the left input, of the right, or of both (full). semi keeps the left rows that have a match, anti those that have none; both give the left columns only.",
    ),
  suffix: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Put after the name of a right column when the left input has one of that name, which is an issue otherwise.",
    ),
});

type Config = z.output<typeof config>;

/** Guesses that make the query keep the right input and stream the left one. */
const rowCountHints = { left: 1e9, right: 1e5 };

/**
 * Joins the rows of two inputs within an epoch. The left columns come first, the key columns under their left names; then
 * the other right columns. The right input is kept, in memory or on disk, the left one streams. With a right input of up to
 * 1,000,000 rows, plain key types and few matches per row, the result is in the order of the left rows; otherwise in none.
 */
export const join = callable(
  defineTransform({
    type: "join",
    since: "0.1.0",
    status: "stable",
    summary: "Combine the rows of two inputs that are equal in some columns.",
    needs: "epoch",
    inputs: {
      left: "Rows that stream.",
      right: "Rows to look up in; kept until all left rows have passed.",
    },
    config,
    output: ({ left, right }, c) => ({ main: outputSchema(left!, right!, c) }),
    reads: ({ left, right }, c, wanted) => {
      const others = rightColumns(left!, right!, c).filter(({ name }) => wanted.includes(name));
      // A right column has another name only where a left one has its own.
      const namesakes = others.flatMap(({ column, name }) => (name === column.name ? [] : column.name));
      const own = wanted.filter((name) => left!.column(name) !== undefined);
      return {
        left: [...keysOf(c).map(([name]) => name), ...own, ...namesakes],
        right: [...keysOf(c).map(([, name]) => name), ...others.map(({ column }) => column.name)],
      };
    },
    errors: ["schema-unknown"],
    examples: [
      {
        title: "Flashes at the same place, each with each",
        data: "glm-minute",
        config: { on: ["flash_lon", "flash_lat"], suffix: "_other" },
      },
      {
        title: "Rows that have a partner, by columns of different names",
        data: "glm-minute",
        config: { on: { flash_id: "flash_id" }, kind: "semi" },
      },
    ],
    create: (c, { memoryBytesMax }) => {
      const plan = perSchema((left, right) => lookupParams(left!, right!, c));
      return {
        async *apply(_, { signal }, inputs) {
          const [left, right] = await Promise.all([knownRows(inputs["left"]!), knownRows(inputs["right"]!)]);
          if (left === null || right === null) return missing(left === null ? "left" : "right", left ?? right);
          const params = plan(left.schema, right.schema);
          const found = await lookupOrRows(left.schema, right, params);
          if ("lookup" in found) return yield* lookedUp(found.lookup, left, params.kind);
          const tables = {
            left: { ...left, rowCountHint: rowCountHints.left },
            right: { ...found, rowCountHint: rowCountHints.right },
          };
          const options = { signal, memoryBytesMax };
          yield* runQuery(tables, query(left.schema, right.schema, c), params.result, options);
        },
      };
    },
  }),
  () => Promise.resolve(batches),
);

/** The join as a lookup. */
function lookupParams(left: Schema, right: Schema, c: Config): LookupParams {
  const [leftAt, rightAt] = [left, right].map(({ names }) => new Map(names.map((name, index) => [name, index])));
  const keys = keysOf(c).map(([l, r]) => [leftAt!.get(l)!, rightAt!.get(r)!] as const);
  const rightOfKey = new Map(keys);
  const own = left.names.map((_, index) => {
    const key = rightOfKey.get(index);
    return key === undefined ? { left: index } : { left: index, right: key };
  });
  const looked = rightColumns(left, right, c).map(({ column }) => ({ right: rightAt!.get(column.name)! }));
  return { kind: c.kind, keys, columns: [...own, ...looked], result: outputSchema(left, right, c) };
}

/** Without the columns of one input there is an answer only when the other one has no batch either. */
function missing(input: string, other: unknown): void {
  if (other === null) return;
  const message = `The input "${input}" has no rows, and nothing tells its columns. Declare the schema of its source.`;
  throw new OperatorError({ code: "schema-unknown", message });
}

/** Key columns as pairs of left and right names. */
function keysOf({ on }: Config): [left: string, right: string][] {
  return Array.isArray(on) ? on.map((name) => [name, name]) : Object.entries(on);
}

function keyPointer({ on }: Config, index: number): string {
  return Array.isArray(on) ? `/on/${index}` : toPointer(["on", Object.keys(on)[index]!]);
}

const keepsLeftOnly = (kind: Config["kind"]): boolean => kind === "semi" || kind === "anti";

/** The right columns that the result has, with their names in it. */
function rightColumns(left: Schema, right: Schema, c: Config): { readonly column: Column; readonly name: string }[] {
  if (keepsLeftOnly(c.kind)) return [];
  const keys = new Set(keysOf(c).map(([, name]) => name));
  return right.columns
    .filter(({ name }) => !keys.has(name))
    .map((column) => {
      const clashes = left.column(column.name) !== undefined;
      return { column, name: clashes && c.suffix !== undefined ? column.name + c.suffix : column.name };
    });
}

function query(left: Schema, right: Schema, c: Config): string {
  const keys = keysOf(c);
  const rightKeys = new Map(keys);
  const selected = left.names.map((name) => {
    const column = `l.${quoted(name)}`;
    const key = rightKeys.get(name);
    if (key === undefined || c.kind === "inner" || c.kind === "left" || keepsLeftOnly(c.kind)) return column;
    return `coalesce(${column}, r.${quoted(key)})`;
  });
  const looked = rightColumns(left, right, c).map(({ column }) => `r.${quoted(column.name)}`);
  const condition = keys.map(([l, r]) => `l.${quoted(l)} = r.${quoted(r)}`).join(" AND ");
  return `SELECT ${[...selected, ...looked].join(", ")} FROM "left" l ${c.kind.toUpperCase()} JOIN "right" r ON ${condition}`;
}

function outputSchema(left: Schema, right: Schema, c: Config): Schema {
  const problems = [...keyProblems(left, right, c), ...nameProblems(left, right, c)];
  if (problems.length > 0) throw new ConfigError(problems);
  const { columns, problems: refused } = checkQuery({ left, right }, query(left, right, c), "");
  if (refused.length > 0) throw new ConfigError(refused);
  const rightKeys = new Map(keysOf(c));
  const leftMayMiss = c.kind === "right" || c.kind === "full";
  const rightMayMiss = c.kind === "left" || c.kind === "full";
  const fromLeft = left.columns.map((column) => {
    const key = rightKeys.get(column.name);
    const nullable = key === undefined ? leftMayMiss : leftMayMiss && right.column(key)!.nullable;
    return { ...column, nullable: column.nullable || nullable };
  });
  const fromRight = rightColumns(left, right, c).map(({ column, name }) => ({
    ...column,
    name,
    nullable: column.nullable || rightMayMiss,
  }));
  return new Schema([...fromLeft, ...fromRight].map((column, index) => ({ ...column, type: columns[index]!.type })));
}

function keyProblems(left: Schema, right: Schema, c: Config): ConfigProblem[] {
  return keysOf(c).flatMap(([l, r], index) => {
    const pointer = keyPointer(c, index);
    const ofLeft = absentKey(left, l, "left", pointer).map((problem) => ({
      ...problem,
      keyRange: !Array.isArray(c.on),
    }));
    const absent = [...ofLeft, ...absentKey(right, r, "right", pointer)];
    if (absent.length > 0) return absent;
    const [a, b] = [left.column(l)!, right.column(r)!];
    if (commonKind(a.type, b.type) === undefined) {
      const message = `"${l}" is ${a.type} in the left input and "${r}" is ${b.type} in the right one; convert one in a select before`;
      return [{ code: "column-type", message, pointer }];
    }
    if (a.unit === undefined || b.unit === undefined || a.unit === b.unit) return [];
    const message = `"${l}" is in ${a.unit} in the left input and "${r}" in ${b.unit} in the right one`;
    return [{ code: "unit-mismatch", message, pointer }];
  });
}

function absentKey(schema: Schema, name: string, input: string, pointer: string): ConfigProblem[] {
  try {
    schema.requireOne(name, "any", pointer);
    return [];
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    return thrown.problems.map((problem) => ({
      ...problem,
      message: problem.message.replace("the input", `the ${input} input`),
    }));
  }
}

function nameProblems(left: Schema, right: Schema, c: Config): ConfigProblem[] {
  const seen = new Set(left.names.map((name) => name.toLowerCase()));
  return rightColumns(left, right, c).flatMap(({ column, name }) => {
    const taken = seen.has(name.toLowerCase());
    seen.add(name.toLowerCase());
    if (!taken) return [];
    const message = `both inputs have a column "${column.name}"; give a "suffix" for the right one, such as "_right", or rename it in a select before`;
    return [{ code: "duplicate-column", message, pointer: c.suffix === undefined ? "" : "/suffix" }];
  });
}
