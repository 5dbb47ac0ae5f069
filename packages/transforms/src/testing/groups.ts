import { readFileSync } from "node:fs";
import { batches } from "@sferic/bindings/batch";
import { column, schema } from "@sferic/operator";
import type { Table } from "apache-arrow";

type Cell = string | number | null;

/** Rows and what SQLite makes of them; record_groups.py beside this file says how. */
export const recorded = JSON.parse(readFileSync(new URL("groups.json", import.meta.url), "utf8")) as {
  readonly rows: readonly Readonly<Record<string, Cell>>[];
  readonly measures: Readonly<Record<string, string>>;
  readonly aggregated: readonly { readonly groupBy: readonly string[]; readonly rows: readonly (readonly Cell[])[] }[];
  readonly unique: readonly { readonly keys: readonly string[]; readonly rows: readonly number[] }[];
};

const columns = schema([
  column("row", "int32"),
  column("name", "utf8", { nullable: true }),
  column("kind", "int32", { nullable: true }),
  column("x", "float64", { nullable: true }),
  column("n", "int32", { nullable: true }),
]);

/** The recorded rows as a table. */
export function recordedTable(): Table {
  const rows = batches.fromRows(columns, recorded.rows);
  const table = rows.toArrow();
  rows.close();
  return table;
}
