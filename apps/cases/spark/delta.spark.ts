import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type DeltaReader, DeltaReaders, type TemporaryFolder, temporaryFolder } from "@sferic/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runChild } from "../kill/run-child.ts";

let folder: TemporaryFolder;
let readers: DeltaReaders;

beforeAll(async () => {
  folder = await temporaryFolder();
  readers = new DeltaReaders();
});

afterAll(async () => {
  await readers[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** A pipeline in a folder of its own that appends the JSON files of `in` to the table `lake`, a commit each. */
class Lake {
  readonly path: string;
  #files = 0;

  constructor(path: string) {
    this.path = path;
  }

  static async create(name: string, sink: object = {}): Promise<Lake> {
    const lake = new Lake(folder.file(name));
    await mkdir(join(lake.path, "in"), { recursive: true });
    const format = { type: "json", schema: { n: "int64", third: "int32" } };
    const spec = {
      name: "lake",
      sources: { rows: { type: "files", url: "in", filesPerEpoch: 1, format } },
      sinks: { lake: { type: "delta", from: "rows", url: "lake", ...sink } },
      run: { trigger: "available-now", checkpoint: "check" },
    };
    await writeFile(join(lake.path, "pipeline.json"), JSON.stringify(spec));
    return lake;
  }

  /** Table in the words of an reader. */
  table(reader: DeltaReader): string {
    return reader === "spark" ? `delta.\`${join(this.path, "lake")}\`` : `delta_scan('${join(this.path, "lake")}')`;
  }

  /** Adds files with the rows from `first` to before `end`, so many in each. */
  async add(first: number, end: number, rowsPerFile: number): Promise<void> {
    for (let start = first; start < end; start += rowsPerFile) {
      const rows = range(start, Math.min(end, start + rowsPerFile)).map((n) => JSON.stringify({ n, third: n % 3 }));
      await writeFile(join(this.path, "in", `${String(this.#files++).padStart(5, "0")}.json`), rows.join("\n"));
    }
  }

  async run(): Promise<void> {
    const ending = await runChild([join(this.path, "pipeline.json")]);
    expect(ending, ending.stderr).toMatchObject({ killed: false, code: 0 });
  }

  /** The rows as each reader sees them. */
  async rows(): Promise<Record<DeltaReader, unknown[]>> {
    const rows = (reader: DeltaReader): Promise<unknown[]> =>
      readers.query(reader, `SELECT n, third FROM ${this.table(reader)} ORDER BY n`);
    return { spark: await rows("spark"), duckdb: await rows("duckdb") };
  }
}

const range = (start: number, end: number): number[] =>
  Array.from({ length: end - start }, (_, index) => start + index);

/** What both readers see of a table that holds each row from 0 to before `end` once. */
function rowsTo(end: number): Record<DeltaReader, unknown[]> {
  const rows = range(0, end).map((n) => ({ n, third: n % 3 }));
  return { spark: rows, duckdb: rows };
}

/** Has Spark append the rows from `start` to before `end`. */
function insertInto(lake: Lake, start: number, end: number): string {
  return `INSERT INTO ${lake.table("spark")} SELECT id, CAST(id % 3 AS INT) FROM range(${start}, ${end})`;
}

test("Spark tells the history of a table, a commit for each epoch", async () => {
  const lake = await Lake.create("history");
  await lake.add(0, 500, 100);
  await lake.run();
  expect(await lake.rows()).toEqual(rowsTo(500));
  const history = await readers.query("spark", `DESCRIBE HISTORY ${lake.table("spark")}`);
  expect(history.map(({ version, operation, isBlindAppend }) => [version, operation, isBlindAppend])).toEqual([
    ...[4, 3, 2, 1].map((version) => [version, "WRITE", true]),
    [0, "CREATE TABLE", null],
  ]);
  expect(history.map(({ engineInfo }) => engineInfo)).toEqual(history.map(() => expect.stringMatching(/^sferic/i)));
});

test("what Spark and a run append in turn is there once, also in partitions", async () => {
  const lake = await Lake.create("in-turn", { partitionBy: ["third"] });
  await lake.add(0, 300, 100);
  await lake.run();
  for (const start of [300, 700]) {
    await readers.query("spark", insertInto(lake, start, start + 200));
    await lake.add(start + 200, start + 400, 100);
    await lake.run();
  }
  expect(await lake.rows()).toEqual(rowsTo(1100));
});

test("Spark takes an epoch that a run has written for written", async () => {
  const lake = await Lake.create("transaction");
  await lake.add(0, 300, 100);
  await lake.run();
  const [appId] = await transactionIds(lake);
  const insert = insertInto(lake, 300, 400);
  try {
    await readers.query("spark", `SET spark.databricks.delta.write.txnAppId = ${appId}`);
    await readers.query("spark", "SET spark.databricks.delta.write.txnVersion = 2");
    await readers.query("spark", insert);
  } finally {
    await readers.query("spark", "RESET spark.databricks.delta.write.txnAppId");
    await readers.query("spark", "RESET spark.databricks.delta.write.txnVersion");
  }
  expect(await lake.rows()).toEqual(rowsTo(300));
  await readers.query("spark", insert);
  expect(await lake.rows()).toEqual(rowsTo(400));
});

async function transactionIds(lake: Lake): Promise<string[]> {
  const log = join(lake.path, "lake/_delta_log/*.json");
  const rows = await readers.query(
    "spark",
    `SELECT DISTINCT txn.appId AS id FROM json.\`${log}\` WHERE txn IS NOT NULL`,
  );
  return rows.map(({ id }) => id as string);
}

test("Spark's OPTIMIZE while a run appends loses nothing", async () => {
  const lake = await Lake.create("optimized");
  await lake.add(0, 1000, 10);
  const running = lake.run();
  let over = false;
  void running.finally(() => (over = true)).catch(() => {});
  let optimized = 0;
  while (!over) {
    // The table may not be there yet.
    const result = await readers.query("spark", `OPTIMIZE ${lake.table("spark")}`).catch(() => []);
    if (result.length > 0) optimized++;
  }
  await running;
  expect(optimized).toBeGreaterThan(0);
  expect(await lake.rows()).toEqual(rowsTo(1000));
});

test("an optimize of ours while Spark appends loses nothing", async () => {
  const lake = await Lake.create("both");
  await lake.add(0, 200, 10);
  await lake.run();
  const appending = (async () => {
    for (let start = 200; start < 600; start += 50) await readers.query("spark", insertInto(lake, start, start + 50));
  })();
  let over = false;
  void appending.finally(() => (over = true)).catch(() => {});
  let filesReplaced = 0;
  while (!over) filesReplaced += await optimize(lake);
  await appending;
  expect(filesReplaced).toBeGreaterThan(0);
  expect(await lake.rows()).toEqual(rowsTo(600));
});

/** Puts the table's small files together; resolves to how many were replaced. */
async function optimize(lake: Lake): Promise<number> {
  const command = join(import.meta.dirname, "../../cli/bin/sferic.js");
  const { stdout } = await promisify(execFile)(process.execPath, [
    command,
    "delta",
    "optimize",
    join(lake.path, "lake"),
    "--json",
  ]);
  return (JSON.parse(stdout) as { removedFiles: number }).removedFiles;
}

test("a run reads what Spark has appended and deleted", async () => {
  const lake = await Lake.create("read-back");
  await lake.add(0, 300, 100);
  await lake.run();
  await readers.query("spark", insertInto(lake, 300, 500));
  await readers.query(
    "spark",
    `ALTER TABLE ${lake.table("spark")} SET TBLPROPERTIES (delta.enableDeletionVectors = true)`,
  );
  await readers.query("spark", `DELETE FROM ${lake.table("spark")} WHERE n >= 400`);
  const spec = {
    name: "read-back",
    sources: { rows: { type: "delta", url: "lake" } },
    sinks: { out: { type: "files", from: "rows", url: "out", format: { type: "json" } } },
    run: { trigger: "once" },
  };
  await writeFile(join(lake.path, "back.json"), JSON.stringify(spec));
  expect(await runChild([join(lake.path, "back.json")])).toMatchObject({ code: 0 });
  const files = (await readdir(join(lake.path, "out"))).filter((name) => name.endsWith(".json"));
  const texts = await Promise.all(files.map((name) => readFile(join(lake.path, "out", name), "utf8")));
  const rows = texts.flatMap((text) => text.trim().split("\n")).map((line) => JSON.parse(line) as { n: number });
  expect(rows.toSorted((one, other) => one.n - other.n)).toEqual(rowsTo(400).spark);
});

test("a column that Spark adds is null in what a run appends", async () => {
  const lake = await Lake.create("evolved");
  await lake.add(0, 100, 100);
  await lake.run();
  await readers.query("spark", `ALTER TABLE ${lake.table("spark")} ADD COLUMNS (more STRING)`);
  await lake.add(100, 200, 100);
  await lake.run();
  expect(await lake.rows()).toEqual(rowsTo(200));
  const [found] = await readers.query(
    "spark",
    `SELECT count(*) AS rows, count(more) AS more FROM ${lake.table("spark")}`,
  );
  expect(found).toEqual({ rows: 200, more: 0 });
});

test("values of every type are the same to Spark", async () => {
  const columns = {
    yes: ["index % 2 = 0", "id % 2 = 0"],
    tiny: ["CAST(index % 100 AS TINYINT)", "CAST(id % 100 AS TINYINT)"],
    small: ["CAST(index AS SMALLINT)", "CAST(id AS SMALLINT)"],
    whole: ["CAST(index AS INTEGER)", "CAST(id AS INT)"],
    long: ["CAST(index * 1000000007 AS BIGINT)", "id * 1000000007"],
    single: ["CAST(index / 8 AS FLOAT)", "CAST(id / 8 AS FLOAT)"],
    double: ["index / 7", "id / 7"],
    decimal: ["CAST(index / 4 AS DECIMAL(18, 2))", "CAST(id / 4 AS DECIMAL(18, 2))"],
    text: ["'é' || index", "concat('é', id)"],
    nothing: ["CASE WHEN index % 3 = 0 THEN 'x' END", "IF(id % 3 = 0, 'x', NULL)"],
    day: ["DATE '1969-12-30' + CAST(index AS INTEGER)", "date_add(DATE '1969-12-30', CAST(id AS INT))"],
    time: [
      "TIMESTAMP '2026-01-01 00:00:00.000001' + to_seconds(index)",
      "timestampadd(SECOND, id, TIMESTAMP_NTZ '2026-01-01 00:00:00.000001')",
    ],
  };
  const own = Object.fromEntries(Object.entries(columns).map(([name, [expression]]) => [name, expression]));
  const spec = {
    name: "types",
    sources: { rows: { type: "generate", rows: 300, columns: own } },
    sinks: { lake: { type: "delta", from: "rows", url: "lake" } },
    run: { trigger: "once" },
  };
  const lake = new Lake(folder.file("types"));
  await mkdir(lake.path);
  await writeFile(join(lake.path, "pipeline.json"), JSON.stringify(spec));
  await lake.run();
  const theirs = Object.entries(columns).map(([name, [, expression]]) => `${expression} AS ${name}`);
  const expected = `SELECT ${theirs.join(", ")} FROM range(300)`;
  const found = `SELECT ${Object.keys(columns).join(", ")} FROM ${lake.table("spark")}`;
  expect(await readers.query("spark", `${found} EXCEPT ALL ${expected}`)).toEqual([]);
  expect(await readers.query("spark", `${expected} EXCEPT ALL ${found}`)).toEqual([]);
});
