import { access } from "node:fs/promises";
import { join } from "node:path";
import { queryDatabase } from "@sferic/bindings/relational";
import { describeSink, rowTexts } from "@sferic/testkit";
import { duckdb } from "./duckdb.ts";
import { fileInTheWay, fullDisk, readOnlyFolder } from "../test/obstacles.ts";

/** Rows of a table, or none when there is no such table. */
async function rowsOfTable(database: string, table: string): Promise<string[]> {
  const isThere = await access(database).then(
    () => true,
    () => false,
  );
  if (!isThere) return [];
  const rows = await queryDatabase(database, `SELECT * FROM ${table}`);
  const texts = rowTexts(rows);
  rows.close();
  return texts;
}

describeSink({
  definition: duckdb,
  config: { path: "out/a.duckdb", table: "points" },
  visible: (directory) => rowsOfTable(join(directory, "out/a.duckdb"), "points"),
  obstacles: [fileInTheWay("out"), readOnlyFolder("out"), fullDisk("out")],
});
