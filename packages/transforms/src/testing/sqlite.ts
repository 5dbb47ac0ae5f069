import { DatabaseSync } from "node:sqlite";
import { Bool, Float64, Int32, Table, Utf8, vectorFromArray } from "apache-arrow";

/** A cell that both engines know. */
export type Cell = number | string | null;

/** A table with a name, as rows of cells. */
export interface SmallTable {
  readonly columns: Readonly<Record<string, "int" | "text" | "real">>;
  readonly rows: readonly (readonly Cell[])[];
}

/** Rows of cells drawn from a few values, so that keys repeat, miss each other and are null now and then. */
export function randomTable(
  columns: SmallTable["columns"],
  rowCount: number,
  random: () => number,
  distinct = 5,
): SmallTable {
  const cell = (type: string): Cell => {
    if (random() < 0.2) return null;
    const value = Math.floor(random() * distinct);
    if (type === "text") return ["", "a", "A", "ä", "b'\"", "b"][value % 6]!;
    return type === "int" ? value : value / 4 - 0.5;
  };
  const types = Object.values(columns);
  return { columns, rows: Array.from({ length: rowCount }, () => types.map(cell)) };
}

/** The same rows for Arrow. */
export function arrowTable({ columns, rows }: SmallTable): Table {
  const types = { int: new Int32(), text: new Utf8(), real: new Float64(), bool: new Bool() };
  const vectors = Object.entries(columns).map(([name, type], index) => [
    name,
    vectorFromArray(
      rows.map((row) => row[index] ?? null),
      types[type],
    ),
  ]);
  return new Table(Object.fromEntries(vectors));
}

/** The rows that SQLite gives for a query over the tables. */
export function sqlite(tables: Readonly<Record<string, SmallTable>>, query: string): Cell[][] {
  const database = new DatabaseSync(":memory:");
  database.exec("PRAGMA case_sensitive_like = true");
  for (const [name, { columns, rows }] of Object.entries(tables)) {
    const declared = Object.entries(columns).map(([column, type]) => `"${column}" ${type}`);
    database.exec(`CREATE TABLE "${name}" (${declared.join(", ")})`);
    const insert = database.prepare(`INSERT INTO "${name}" VALUES (${declared.map(() => "?").join(", ")})`);
    for (const row of rows) insert.run(...row);
  }
  const statement = database.prepare(query);
  statement.setReturnArrays(true);
  const rows = statement.all() as unknown as Cell[][];
  database.close();
  return rows;
}

/** The cells of an Arrow table, row by row. */
export function cellsOf(table: Table): Cell[][] {
  return table
    .toArray()
    .map((row) =>
      Object.values(row!.toJSON() as Record<string, unknown>).map(
        (cell) => (typeof cell === "bigint" ? Number(cell) : cell) as Cell,
      ),
    );
}

/** Rows in an order that depends on nothing but the rows: a multiset to compare. */
export function sorted(rows: readonly (readonly Cell[])[]): string[] {
  return rows.map((row) => JSON.stringify(row)).toSorted();
}
