import { ConfigError, type ConfigProblem } from "./errors.ts";
import { nearest } from "./nearest.ts";

/**
 * A column type as text, the same in TypeScript, Rust and every printed schema: `bool`, `int8` … `uint64`, `float32`,
 * `float64`, `utf8`, `binary`, `date32`, `time64[us]`, `timestamp[ns]`, `timestamp[us, UTC]`, `decimal128(18, 4)`,
 * `list<int32>`, `struct<a: int32, b: utf8>`, `dictionary<int32, utf8>`.
 */
export type DataType = string;

/** One column: its name, type, whether nulls can occur, and its unit (`J`, `degrees_east`) where known. */
export interface Column {
  readonly name: string;
  readonly type: DataType;
  readonly nullable: boolean;
  readonly unit?: string;
}

/** What a column selection must be: any number, any integer, or a time. */
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

  /** This schema with one more column at the end; a column of that name is replaced. */
  append(column: Column): Schema {
    return new Schema([...this.columns.filter((present) => present.name !== column.name), column]);
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
    return [{ code: "column-type", message: `column "${name}" is ${column.type}, not ${articled(kind)}`, pointer }];
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
      return integer.test(type) || /^float(16|32|64)$/.test(type) || type.startsWith("decimal");
    case "time":
      return type.startsWith("timestamp") || type.startsWith("date");
  }
}

function articled(kind: ColumnKind): string {
  return kind === "integer" ? "an integer" : `a ${kind}`;
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 12);
  return names.length === 0
    ? "no columns"
    : shown.join(", ") + (names.length > shown.length ? `, … (${names.length} in all)` : "");
}
