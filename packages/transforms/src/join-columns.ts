import type { LookupParams } from "@sferic/bindings/lookup";
import { checkQuery } from "@sferic/bindings/query";
import { quoted } from "@sferic/bindings/relational";
import { type Column, ConfigError, type ConfigProblem, Schema, toPointer } from "@sferic/operator";
import { commonKind } from "./column-kinds.ts";

/** Which rows of a join stay without a match. */
export const kinds = ["inner", "left", "right", "full", "semi", "anti"] as const;

/** What says which columns a join has and which of them are equal. */
export interface JoinColumns {
  readonly on: readonly string[] | Readonly<Record<string, string>>;
  readonly kind: (typeof kinds)[number];
  readonly suffix?: string | undefined;
}

/** The join as a lookup. */
export function lookupParams(left: Schema, right: Schema, c: JoinColumns): LookupParams {
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

/** Key columns as pairs of left and right names. */
export function keysOf({ on }: JoinColumns): [left: string, right: string][] {
  return isList(on) ? on.map((name) => [name, name]) : Object.entries(on);
}

/** Where the configuration has a pair of keys. */
export function keyPointer({ on }: JoinColumns, index: number): string {
  return isList(on) ? `/on/${index}` : toPointer(["on", Object.keys(on)[index]!]);
}

const keepsLeftOnly = (kind: JoinColumns["kind"]): boolean => kind === "semi" || kind === "anti";

/** The right columns that the result has, with their names in it. */
export function rightColumns(
  left: Schema,
  right: Schema,
  c: JoinColumns,
): { readonly column: Column; readonly name: string }[] {
  if (keepsLeftOnly(c.kind)) return [];
  const keys = new Set(keysOf(c).map(([, name]) => name));
  return right.columns
    .filter(({ name }) => !keys.has(name))
    .map((column) => {
      const clashes = left.column(column.name) !== undefined;
      return { column, name: clashes && c.suffix !== undefined ? column.name + c.suffix : column.name };
    });
}

/** The join in SQL, over "left" and "right". */
export function query(left: Schema, right: Schema, c: JoinColumns): string {
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

/** Columns of the result. Throws `ConfigError` for keys that are not there or cannot be equal, and for names that clash. */
export function outputSchema(left: Schema, right: Schema, c: JoinColumns): Schema {
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

/** What is wrong with the keys. */
export function keyProblems(left: Schema, right: Schema, c: JoinColumns): ConfigProblem[] {
  return keysOf(c).flatMap(([l, r], index) => {
    const pointer = keyPointer(c, index);
    const ofLeft = absentKey(left, l, "left", pointer).map((problem) => ({
      ...problem,
      keyRange: !isList(c.on),
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

/** What is wrong with a name that an input should have. */
export function absentKey(schema: Schema, name: string, input: string, pointer: string): ConfigProblem[] {
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

function nameProblems(left: Schema, right: Schema, c: JoinColumns): ConfigProblem[] {
  const seen = new Set(left.names.map((name) => name.toLowerCase()));
  return rightColumns(left, right, c).flatMap(({ column, name }) => {
    const taken = seen.has(name.toLowerCase());
    seen.add(name.toLowerCase());
    if (!taken) return [];
    const message = `both inputs have a column "${column.name}"; give a "suffix" for the right one, such as "_right", or rename it in a select before`;
    return [{ code: "duplicate-column", message, pointer: c.suffix === undefined ? "" : "/suffix" }];
  });
}

/** `Array.isArray` does not tell read-only lists apart. */
function isList(on: JoinColumns["on"]): on is readonly string[] {
  return Array.isArray(on);
}
