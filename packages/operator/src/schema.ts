import { ConfigError, type ConfigProblem } from "./errors.ts";
import { nearest } from "./nearest.ts";

/**
 * A column type as text, the same in TypeScript, Rust and every printed schema: `bool`, `int8` … `uint64`, `float32`,
 * `float64`, `utf8`, `binary`, `date32`, `time64[us]`, `timestamp[ns]`, `timestamp[us, UTC]`, `decimal128(18, 4)`,
 * `list<int32>`, `struct<a: int32, b: utf8>`, `map<utf8, int32>`, `dictionary<int32, utf8>`. Each text stands for one Arrow
 * type: anything inside of a type may be null but the keys of maps, and no names but those of struct fields are part of it.
 */
export type DataType = string;

/** One column: its name, type, whether nulls can occur, and its unit (`J`, `degrees_east`) where known. */
export interface Column {
  readonly name: string;
  readonly type: DataType;
  readonly nullable: boolean;
  readonly unit?: string;
}

/** What a column selection must be: a number that is an integer, float32 or float64; an integer; or a time. */
export type ColumnKind = "number" | "integer" | "time" | "any";

/** The columns of a batch, in order. Immutable: every method returns a new schema. */
export class Schema {
  readonly columns: readonly Column[];

  constructor(columns: readonly Column[]) {
    this.columns = columns;
  }

  get names(): string[] {
    return this.columns.map((column) => column.name);
  }

  column(name: string): Column | undefined {
    return this.columns.find((column) => column.name === name);
  }

  /** The named columns in the order asked for. Throws {@link ConfigError} as {@link Schema.require} does. */
  pick(names: readonly string[], pointer = "/columns"): Column[] {
    this.require(names, "any", pointer);
    return names.map((name) => this.column(name) as Column);
  }

  /** This schema with the column in the place of the one of that name, or else at the end. */
  append(column: Column): Schema {
    const index = this.columns.findIndex((present) => present.name === column.name);
    return new Schema(index === -1 ? [...this.columns, column] : this.columns.with(index, column));
  }

  /**
   * This schema, when it has all `names` with types of `kind`.
   * Throws {@link ConfigError}: `unknown-column` (with the nearest name as hint) or `column-type`, one problem per name.
   */
  require(names: readonly string[], kind: ColumnKind = "any", pointer = "/columns"): this {
    const problems = names.flatMap((name, index) => this.#problem(name, kind, `${pointer}/${index}`));
    if (problems.length > 0) throw new ConfigError(problems);
    return this;
  }

  /** As {@link Schema.require} for the one column that a field names; the pointer is the field's own. */
  requireOne(name: string, kind: ColumnKind, pointer: string): this {
    const problems = this.#problem(name, kind, pointer);
    if (problems.length > 0) throw new ConfigError(problems);
    return this;
  }

  #problem(name: string, kind: ColumnKind, pointer: string): ConfigProblem[] {
    const column = this.column(name);
    if (column === undefined) {
      const near = nearest(name, this.names);
      return [
        {
          code: "unknown-column",
          message: `column "${name}" is not in the input; it has ${listed(this.names)}`,
          pointer,
          ...(near === undefined ? {} : { hint: near }),
        },
      ];
    }
    if (isKind(column.type, kind)) return [];
    return [
      { code: "column-type", message: `column "${name}" is ${column.type}, ${instead(name, column, kind)}`, pointer },
    ];
  }
}

/** A {@link Schema} of these columns. */
export function schema(columns: readonly Column[]): Schema {
  return new Schema(columns);
}

/** A column; not nullable unless said. */
export function column(name: string, type: DataType, options: { nullable?: boolean; unit?: string } = {}): Column {
  return {
    name,
    type,
    nullable: options.nullable ?? false,
    ...(options.unit === undefined ? {} : { unit: options.unit }),
  };
}

const integer = /^u?int(8|16|32|64)$/;

/** Whether a type belongs to a {@link ColumnKind}. */
export function isKind(type: DataType, kind: ColumnKind): boolean {
  switch (kind) {
    case "any":
      return true;
    case "integer":
      return integer.test(type);
    case "number":
      return integer.test(type) || /^float(32|64)$/.test(type);
    case "time":
      return type.startsWith("timestamp") || type.startsWith("date");
  }
}

/** What a column is needed to be, after a comma. */
function instead(name: string, { type }: Column, kind: ColumnKind): string {
  if (kind !== "number") return `not ${kind === "integer" ? "an integer" : `a ${kind}`}`;
  if (!/^(decimal|float16)/.test(type)) return "not a number";
  return `not an integer, float32 or float64; convert it in a select before, with CAST("${name}" AS DOUBLE)`;
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 12);
  return names.length === 0
    ? "no columns"
    : shown.join(", ") + (names.length > shown.length ? `, … (${names.length} in all)` : "");
}
