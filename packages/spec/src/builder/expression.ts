/** Columns of rows: name to type text, such as `{ time: "timestamp[ns, UTC]", energy: "float64" }`. */
export type ColumnTypes = Readonly<Record<string, string>>;

/** Names of columns that are integers, float32 or float64. */
export type NumericNames<C extends ColumnTypes> = {
  [Name in keyof C & string]: C[Name] extends `${"" | "u"}int${8 | 16 | 32 | 64}` | `float${32 | 64}` ? Name : never;
}[keyof C & string];

/** An SQL expression whose value has the type `T`. */
export interface Expression<T extends string = string> {
  readonly sql: string;
  /** For the compiler only. */
  readonly type?: T;
}

/** The columns of some rows as expressions, by name. */
export type ColumnReferences<C extends ColumnTypes> = { readonly [Name in keyof C]: Expression<C[Name]> };

/**
 * An SQL expression over columns: `` sql<"float64">`${c.dc} - ${c.ac}` ``. Columns and expressions are put in as they are,
 * numbers, texts and booleans as literals. The type says what the value will be; the plan checks it against the real one.
 */
export function sql<T extends string = string>(
  parts: TemplateStringsArray,
  ...values: readonly (Expression | number | string | boolean)[]
): Expression<T> {
  return { sql: parts.map((part, index) => part + (index < values.length ? literal(values[index]!) : "")).join("") };
}

function literal(value: Expression | number | string | boolean): string {
  if (typeof value === "object") return value.sql;
  return typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : String(value);
}

/** References to columns of any name. */
export function columnReferences<C extends ColumnTypes>(): ColumnReferences<C> {
  const reference = (_: object, name: string | symbol): Expression => ({
    sql: /^[a-z_][a-z0-9_]*$/.test(String(name)) ? String(name) : `"${String(name).replaceAll('"', '""')}"`,
  });
  return new Proxy({}, { get: reference }) as ColumnReferences<C>;
}
