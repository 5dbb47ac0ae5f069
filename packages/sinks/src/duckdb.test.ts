import { access, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { batches } from "@sferic/bindings/batch";
import { queryDatabase } from "@sferic/bindings/relational";
import { type Batch, column, schema, type Sink } from "@sferic/operator";
import { describeSink, epochOf, operatorContext, rowTexts, streamOf, temporaryFolder } from "@sferic/testkit";
import { expect, it } from "vitest";
import { duckdb } from "./duckdb.ts";
import { holding } from "../test/other-process.ts";
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

/** A sink of its own process, opened over a folder. */
async function opened(
  directory: string,
  table: string,
  options: { operatorId?: string; write?: "append" | "replace" } = {},
): Promise<Sink> {
  const { operatorId = "save", write = "append" } = options;
  const context = operatorContext({ directory, operatorId });
  const scratchDirectory = join(context.scratchDirectory, operatorId);
  await mkdir(scratchDirectory, { recursive: true });
  return duckdb.create(duckdb.config.parse({ path: "a.duckdb", table, write }), { ...context, scratchDirectory });
}

async function publishRows(sink: Sink, epoch: number, rows: Batch): Promise<void> {
  const staged = await sink.stage(streamOf([rows]), epochOf(epoch), {});
  await sink.publish(staged!, epochOf(epoch));
}

async function cellsOfQuery(database: string, sql: string): Promise<string[]> {
  const rows = await queryDatabase(database, sql);
  const texts = rowTexts(rows);
  rows.close();
  return texts;
}

const numbers = (...values: number[]): Batch =>
  batches.fromRows(
    schema([column("n", "int64")]),
    values.map((n) => ({ n })),
  );

it("keeps a ledger of epochs, one row each however often it is published", async () => {
  await using folder = await temporaryFolder();
  const sink = await opened(folder.path, "points");
  const staged = await sink.stage(streamOf([numbers(1, 2, 3)]), epochOf(0), {});
  await sink.publish(staged!, epochOf(0));
  await sink.publish(staged!, epochOf(0));
  await publishRows(sink, 1, numbers(4));
  const ledger = await cellsOfQuery(
    folder.file("a.duckdb"),
    "SELECT pipeline, sink, epoch, row_count FROM sferic_ledger ORDER BY epoch",
  );
  expect(ledger).toEqual(['"p@h"|"save"|0|3', '"p@h"|"save"|1|1']);
  expect(await cellsOfQuery(folder.file("a.duckdb"), "SELECT n FROM points ORDER BY n")).toEqual(["1", "2", "3", "4"]);
});

it("shares a database with other sinks, each with a table and ledger rows of its own", async () => {
  await using folder = await temporaryFolder();
  const first = await opened(folder.path, "points", { operatorId: "first" });
  const second = await opened(folder.path, "marts.points", { operatorId: "second" });
  await Promise.all([publishRows(first, 0, numbers(1, 2)), publishRows(second, 0, numbers(7))]);
  await publishRows(first, 1, numbers(3));
  const database = folder.file("a.duckdb");
  expect(await cellsOfQuery(database, "SELECT n FROM points ORDER BY n")).toEqual(["1", "2", "3"]);
  expect(await cellsOfQuery(database, "SELECT n FROM marts.points")).toEqual(["7"]);
  expect(await cellsOfQuery(database, "SELECT sink, epoch FROM sferic_ledger ORDER BY ALL")).toEqual([
    '"first"|0',
    '"first"|1',
    '"second"|0',
  ]);
});

it("with replace, holds the newest epoch only, and knows the others still", async () => {
  await using folder = await temporaryFolder();
  const sink = await opened(folder.path, "points", { write: "replace" });
  await publishRows(sink, 0, numbers(1, 2));
  await publishRows(sink, 1, numbers(3));
  expect(await cellsOfQuery(folder.file("a.duckdb"), "SELECT n FROM points")).toEqual(["3"]);
  const late = await sink.stage(streamOf([numbers(1, 2)]), epochOf(0), {});
  await sink.publish(late!, epochOf(0));
  expect(await cellsOfQuery(folder.file("a.duckdb"), "SELECT n FROM points")).toEqual(["3"]);
});

it("says how rows differ from a table that cannot take them, and changes nothing", async () => {
  await using folder = await temporaryFolder();
  const sink = await opened(folder.path, "points");
  await publishRows(sink, 0, numbers(1));
  const others = batches.fromRows(schema([column("n", "int64"), column("name", "utf8")]), [{ n: 2, name: "b" }]);
  await expect(publishRows(sink, 1, others)).rejects.toMatchObject({
    code: "schema-mismatch",
    message: expect.stringMatching(/points.*name/),
  });
  expect(await cellsOfQuery(folder.file("a.duckdb"), "SELECT n FROM points")).toEqual(["1"]);
  expect(await cellsOfQuery(folder.file("a.duckdb"), "SELECT epoch FROM sferic_ledger")).toEqual(["0"]);
});

it("names the process that has the database open, and publishes once that has let go", async () => {
  await using folder = await temporaryFolder();
  const sink = await opened(folder.path, "points");
  const staged = await sink.stage(streamOf([numbers(1, 2)]), epochOf(0), {});
  {
    await using holder = await holding(folder.file("a.duckdb"));
    await expect(sink.publish(staged!, epochOf(0))).rejects.toMatchObject({
      code: "database-locked",
      domain: "external",
      message: expect.stringContaining(`process ${holder.pid}`),
    });
  }
  await sink.publish(staged!, epochOf(0));
  expect(await cellsOfQuery(folder.file("a.duckdb"), "SELECT n FROM points ORDER BY n")).toEqual(["1", "2"]);
});

it("refuses a file that is no database, and leaves it as it is", async () => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file("a.duckdb"), "a diary, ".repeat(1000));
  const sink = await opened(folder.path, "points");
  await expect(publishRows(sink, 0, numbers(1))).rejects.toMatchObject({ code: "not-a-database" });
  expect(await readFile(folder.file("a.duckdb"), "utf8")).toBe("a diary, ".repeat(1000));
});

it.each(["points; DROP TABLE x", "a.b.c", "1st", ""])("refuses %s as the name of a table", (table) => {
  expect(duckdb.config.safeParse({ path: "a.duckdb", table }).success).toBe(false);
});
