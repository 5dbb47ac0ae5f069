import { quoted } from "@sferic/bindings/relational";
import type { Schema } from "@sferic/operator";

/** A table as SQL, with the number of each row, from 0, in a column `number` whose name no other column has. */
export function numberedRows(table: string, { names }: Schema): { readonly sql: string; readonly number: string } {
  const taken = new Set(names.map((name) => name.toLowerCase()));
  let number = "row_number";
  while (taken.has(number)) number += "_";
  return {
    sql: `(SELECT *, row_number() OVER () - 1 AS ${quoted(number)} FROM ${quoted(table)})`,
    number: quoted(number),
  };
}
