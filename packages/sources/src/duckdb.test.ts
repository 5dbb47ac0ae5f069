import { utimes } from "node:fs/promises";
import { join } from "node:path";
import { queryDatabase } from "@sferic/bindings/relational";
import { type Batch, ConfigError, type Offset, type Source } from "@sferic/operator";
import { describeSource, epochOf, operatorContext, planContext, rowTexts, temporaryFolder } from "@sferic/testkit";
import { expect, test } from "vitest";
import { duckdb } from "./duckdb.ts";

async function run(directory: string, ...statements: string[]): Promise<void> {
  for (const sql of statements) (await queryDatabase(join(directory, "a.duckdb"), sql)).close();
}

describeSource({
  definition: duckdb,
  onePortion: { rowsPerEpoch: 2 },
  portionsAheadMax: 0,
  arrange: async (directory, portionCount) => {
    await run(directory, `CREATE TABLE t AS SELECT range AS id, range * 10 AS x FROM range(${2 * portionCount})`);
    return { config: { path: "a.duckdb", table: "t", cursor: "id" } };
  },
  arrangeExamples: async (directory) => {
    const flashes = "SELECT 1::INTEGER AS flash_id, 0::SMALLINT AS quality_flag, now()::TIMESTAMP AS flash_time";
    (await queryDatabase(join(directory, "lightning.duckdb"), `CREATE TABLE flashes AS ${flashes}`)).close();
    return {};
  },
});

function sourceOf(directory: string, config: object, warnings: string[] = []): Source {
  const warn = (code: string, message: string): void => void warnings.push(`${code}: ${message}`);
  return duckdb.create(duckdb.config.parse({ path: "a.duckdb", ...config }), {
    ...operatorContext({ directory }),
    warn,
  });
}

async function rows(source: Source, start: Offset | null, end: Offset): Promise<string[]> {
  const texts: string[] = [];
  for await (const batch of source.read(start, end, epochOf())) {
    texts.push(...rowTexts(batch as Batch));
    (batch as Batch).close();
  }
  return texts;
}

test("a snapshot is read once, in its order, and refused when the file has changed", async () => {
  await using folder = await temporaryFolder();
  await run(folder.path, "CREATE TABLE t AS SELECT 100000 - range AS n FROM range(100000)");
  const source = sourceOf(folder.path, { table: "t" });
  const end = (await source.latestOffset(null, {}))!;
  const found = await rows(source, null, end);
  expect(found).toHaveLength(100_000);
  expect(found.slice(0, 2)).toEqual(["100000", "99999"]);
  expect(await source.latestOffset(end, {})).toBeNull();
  await utimes(folder.file("a.duckdb"), 1, 1);
  await expect(rows(source, null, end)).rejects.toMatchObject({ code: "source-changed" });
});

test("rows of one cursor value stay together, and rows without one are passed over", async () => {
  await using folder = await temporaryFolder();
  const values = "(TIMESTAMP '2018-01-01', 2), (TIMESTAMP '2018-01-01', 1), (TIMESTAMP '2018-01-03', 3), (NULL, 4)";
  await run(folder.path, "CREATE TABLE t (time TIMESTAMP, n INTEGER)", `INSERT INTO t VALUES ${values}`);
  const warnings: string[] = [];
  const source = sourceOf(folder.path, { query: "SELECT n, time FROM t -- all", cursor: "time" }, warnings);
  const first = (await source.latestOffset(null, { rowsPerEpoch: 1 }))!;
  expect(warnings).toEqual([expect.stringMatching(/^null-cursor: 1 rows in .* have no "time"/)]);
  expect(await rows(source, null, first)).toHaveLength(2);
  const second = (await source.latestOffset(first, {}))!;
  expect(await rows(source, first, second)).toHaveLength(1);
  expect(await source.latestOffset(second, {})).toBeNull();
  await run(folder.path, "INSERT INTO t VALUES (TIMESTAMP '2018-01-04', 5)");
  const third = (await source.latestOffset(second, {}))!;
  expect(await rows(source, second, third)).toHaveLength(1);
});

test.each([
  [{ table: "none" }, "/table", "unknown-name"],
  [{ query: "SELECT nothing FROM t" }, "/query", "unknown-name"],
  [{ table: "t", cursor: "m" }, "/cursor", "unknown-column"],
  [{ table: "t", cursor: "name" }, "/cursor", "column-type"],
])("%j is an issue at %s", async (config, pointer, code) => {
  await using folder = await temporaryFolder();
  await run(folder.path, "CREATE TABLE t (n INTEGER, name VARCHAR)");
  const checked = duckdb.config.parse({ path: "a.duckdb", ...config });
  const output = async (): Promise<unknown> => duckdb.output(checked, planContext({ directory: folder.path }));
  await expect(output()).rejects.toThrow(ConfigError);
  await expect(output()).rejects.toMatchObject({ problems: [{ pointer, code }] });
});

test("a file that is not there is told, and not made", async () => {
  await using folder = await temporaryFolder();
  const config = { path: "a.duckdb", table: "t" };
  expect(await duckdb.output(duckdb.config.parse(config), planContext({ directory: folder.path }))).toEqual({
    main: null,
  });
  await expect(sourceOf(folder.path, config).latestOffset(null, {})).rejects.toMatchObject({ code: "missing-input" });
  expect(await folder.files()).toEqual([]);
});
