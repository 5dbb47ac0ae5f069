import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { queryDatabase } from "@sferic/bindings/relational";
import { registry } from "@sferic/catalog";
import { runPipeline } from "@sferic/engine";
import { rowsOf, type Batch } from "@sferic/operator";
import { beforeEach, expect, onTestFinished, test } from "vitest";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sferic-zones-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
});

type Part = Readonly<Record<string, unknown>>;

async function run(name: string, sources: Part, sinks: Part): Promise<{ state: string; message: string }> {
  const spec = { name, sources, sinks };
  const { state, error } = await runPipeline(spec, { file: join(folder, "spec.json"), registry });
  return { state, message: error?.message ?? "" };
}

const succeeded = { state: "succeeded", message: "" };
const generated = (columns: Readonly<Record<string, string>>): Part => ({ g: { type: "generate", rows: 1, columns } });
const table = (from: string): Part => ({ type: "duckdb", from, path: "./t.duckdb", table: "t" });
const files = (from: string, type: string): Part => ({ type: "files", from, url: `./${type}/`, format: { type } });

async function query(sql: string): Promise<Readonly<Record<string, unknown>>[]> {
  const batch: Batch = await queryDatabase(join(folder, "t.duckdb"), sql);
  const rows = [...rowsOf(batch)];
  batch.close();
  return rows;
}

/** The SQL types of the columns of the table, by name. */
async function types(): Promise<Readonly<Record<string, unknown>>> {
  const columns = await query("SELECT column_name, column_type FROM (DESCRIBE t)");
  return Object.fromEntries(columns.map((one) => [one["column_name"], one["column_type"]]));
}

/** The text in the files of a folder. */
async function textIn(name: string): Promise<string> {
  const names = (await readdir(join(folder, name))).filter((file) => !file.startsWith("."));
  expect(names).toHaveLength(1);
  return readFile(join(folder, name, names[0]!), "utf8");
}

const columns = {
  moment: "TIMESTAMPTZ '2026-07-01 12:00:00.123456+02'",
  moments: "[TIMESTAMPTZ '2026-07-01 12:00:00+02']",
  local: "TIMESTAMP '2026-07-01 12:00:00.5'",
  seconds: "TIMESTAMP_S '2026-07-01 12:00:00'",
  milliseconds: "TIMESTAMP_MS '2026-07-01 12:00:00.123'",
  nanoseconds: "TIMESTAMP_NS '2026-07-01 12:00:00.123456789'",
};

test("moments and local times keep their kind through Parquet, DuckDB and back", async () => {
  expect(await run("first", generated(columns), { p: files("g", "parquet"), db: table("g") })).toEqual(succeeded);
  const expected = {
    moment: "TIMESTAMP WITH TIME ZONE",
    moments: "TIMESTAMP WITH TIME ZONE[]",
    local: "TIMESTAMP",
    seconds: "TIMESTAMP_S",
    milliseconds: "TIMESTAMP_MS",
    nanoseconds: "TIMESTAMP_NS",
  };
  expect(await types()).toEqual(expected);
  const parquet = { f: { type: "files", url: "./parquet/*.parquet", format: { type: "parquet" } } };
  expect(await run("again", parquet, { db: table("f") })).toEqual(succeeded);
  const database = { d: { type: "duckdb", path: "./t.duckdb", table: "t" } };
  const back = await run("back", database, { json: files("d", "json") });
  expect(back).toEqual(succeeded);
  const row = {
    moment: "2026-07-01T10:00:00.123456Z",
    moments: ["2026-07-01T10:00:00Z"],
    local: "2026-07-01T12:00:00.500",
    seconds: "2026-07-01T12:00:00",
    milliseconds: "2026-07-01T12:00:00.123",
    nanoseconds: "2026-07-01T12:00:00.123456789",
  };
  const rows = (await textIn("json")).trimEnd().split("\n");
  expect(rows.map((text) => JSON.parse(text) as unknown)).toEqual([row, row]);
  const flat = { d: { type: "duckdb", path: "./t.duckdb", query: "SELECT moment, local FROM t LIMIT 1" } };
  expect(await run("flat", flat, { csv: files("d", "csv") })).toEqual(succeeded);
  expect(await textIn("csv")).toContain("2026-07-01T10:00:00.123456Z,2026-07-01T12:00:00.500");
});

test("a table with naive times for moments goes on, with the times in UTC", async () => {
  await query("CREATE TABLE t (moment TIMESTAMP, later TIMESTAMPTZ)");
  const moments = { moment: columns.moment, later: columns.moment };
  expect(await run("old", generated(moments), { db: table("g") })).toEqual(succeeded);
  expect(await types()).toEqual({ moment: "TIMESTAMP", later: "TIMESTAMP WITH TIME ZONE" });
  const [row] = await query("SELECT moment::VARCHAR AS moment, epoch_us(later)::VARCHAR AS later FROM t");
  expect(row).toEqual({ moment: "2026-07-01 10:00:00.123456", later: "1782900000123456" });
});

test("a local time is no moment of a table", async () => {
  await query("CREATE TABLE t (local TIMESTAMPTZ)");
  const { message } = await run("local", generated({ local: columns.local }), { db: table("g") });
  expect(message).toContain('column "local" is TIMESTAMP WITH TIME ZONE in the table and TIMESTAMP in the rows');
});

test.each(["TIMETZ '12:00:00+02'", "[TIMETZ '12:00:00+02']", "{'a': TIMETZ '12:00:00+02'}"])(
  "%s is refused",
  async (expression) => {
    const ran = await run("offset", generated({ at: expression }), { db: table("g") }).catch(String);
    expect(JSON.stringify(ran)).toContain("offset from UTC");
  },
);

test.each(["DATE 'infinity'", "TIMESTAMP '-infinity'", "TIMESTAMPTZ 'infinity'", "[DATE '-infinity']"])(
  "%s is refused where rows leave DuckDB",
  async (expression) => {
    await query(`CREATE TABLE t AS SELECT ${expression} AS at`);
    const database = { d: { type: "duckdb", path: "./t.duckdb", table: "t" } };
    const { state, message } = await run("infinite", database, { json: files("d", "json") });
    expect({ state, message }).toEqual({ state: "failed", message: expect.stringContaining("infinity") as string });
  },
);
