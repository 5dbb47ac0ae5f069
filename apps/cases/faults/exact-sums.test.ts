import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { registry } from "@sferic/catalog";
import { runPipeline, type RunResult } from "@sferic/engine";
import { duckdbRows } from "@sferic/testkit";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { changeIdentity } from "./identity.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sferic-sums-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
});

interface Run {
  readonly measures?: object;
  readonly sinks?: object;
  readonly epochs?: number;
  readonly column?: string;
}

/** Runs a pipeline of two epochs of ten numbers, whose sums go to every kind of table. */
function run({
  measures = { total: "sum(n)" },
  sinks = allSinks,
  epochs,
  column = "index",
}: Run = {}): Promise<RunResult> {
  const spec = {
    name: "sums",
    sources: { numbers: { type: "generate", rows: 20, rowsPerEpoch: 10, columns: { n: column } } },
    transforms: {
      totals: { type: "aggregate", from: "numbers", measures },
      both: { type: "sql", from: { t: "totals" }, query: "SELECT * FROM t" },
    },
    sinks,
    run: { trigger: "available-now", checkpoint: "./check" },
  };
  const bounds = epochs === undefined ? {} : { maxEpochs: epochs };
  return runPipeline(spec, { registry, baseDirectory: folder, ...bounds });
}

const allSinks = {
  parquet: { type: "files", from: "both", url: "./parquet/", format: { type: "parquet" } },
  duckdb: { type: "duckdb", from: "both", path: "./t.duckdb", table: "t" },
  delta: { type: "delta", from: "both", url: "./delta/" },
};

const path = (name: string): string => join(folder, name);

/** Sums and their SQL types, in Parquet and in the database. */
async function written(): Promise<unknown[]> {
  const select = "SELECT DISTINCT total::VARCHAR AS total, typeof(total) AS type FROM";
  const parquet = await duckdbRows(`${select} '${path("parquet")}/part-*.parquet' ORDER BY 1`);
  const delta = await duckdbRows(`${select} '${path("delta")}/part-*.parquet' ORDER BY 1`);
  const database = await duckdbRows(`ATTACH '${path("t.duckdb")}' AS d (READ_ONLY); ${select} d.t ORDER BY 1`);
  expect(delta).toEqual(parquet);
  expect(database).toEqual(parquet);
  return parquet;
}

test("sums of integers are int64, in every sink", async () => {
  expect(await run()).toMatchObject({ state: "succeeded" });
  expect(await written()).toEqual([
    { total: "145", type: "BIGINT" },
    { total: "45", type: "BIGINT" },
  ]);
});

test("a sum beyond int64 is an error; a sum of decimals has room for it", async () => {
  const column = "9223372036854775807 - index";
  const error = { code: "expression-failed", message: expect.stringContaining("92233720368547758025") };
  expect(await run({ column })).toMatchObject({ state: "failed", error });
  const measures = { total: "sum(CAST(n AS DECIMAL(38, 0)))" };
  await rm(path("check"), { recursive: true });
  expect(await run({ column, measures, epochs: 1 })).toMatchObject({ state: "succeeded" });
  expect(await written()).toEqual([{ total: "92233720368547758025", type: "DECIMAL(38,0)" }]);
});

test("a checkpoint that began with wide sums goes on with them", async () => {
  const wide = { total: "sum(CAST(n AS DECIMAL(38, 0)))" };
  expect(await run({ measures: wide, epochs: 1 })).toMatchObject({ state: "succeeded" });
  await changeIdentity(path("check"), ({ integerSums: _, ...old }) => old);
  expect(await run()).toMatchObject({ state: "succeeded" });
  const types = `SELECT DISTINCT type FROM parquet_schema('${path("parquet")}/part-*.parquet') WHERE name = 'total'`;
  expect(await duckdbRows(types)).toEqual([{ type: "FIXED_LEN_BYTE_ARRAY" }]);
  expect(await written()).toEqual([
    { total: "145", type: "DECIMAL(38,0)" },
    { total: "45", type: "DECIMAL(38,0)" },
  ]);
});

test("tables that hold wide sums take narrow ones of a new checkpoint", async () => {
  const { parquet: _, ...sinks } = allSinks;
  const wide = { total: "sum(CAST(n AS DECIMAL(38, 0)))" };
  expect(await run({ measures: wide, epochs: 1, sinks })).toMatchObject({ state: "succeeded" });
  const { resetCheckpoint } = await import("@sferic/engine");
  await resetCheckpoint(path("check"));
  expect(await run({ sinks })).toMatchObject({ state: "succeeded" });
  const select = "SELECT sum(total)::VARCHAR AS total, typeof(any_value(total)) AS type FROM";
  const database = await duckdbRows(`ATTACH '${path("t.duckdb")}' AS d (READ_ONLY); ${select} d.t`);
  expect(database).toEqual([{ total: "235", type: "DECIMAL(38,0)" }]);
  const delta = await duckdbRows(`${select} '${path("delta")}/part-*.parquet'`);
  expect(delta).toEqual([{ total: "235", type: "DECIMAL(38,0)" }]);
});

test("windows that are kept from epoch to epoch sum in full and hand out int64", async () => {
  const spec = {
    name: "kept",
    sources: {
      numbers: {
        type: "generate",
        rows: 20,
        rowsPerEpoch: 10,
        columns: { n: "9223372036854775807 - index * 2", k: "index % 2" },
      },
    },
    transforms: {
      totals: {
        type: "aggregate",
        from: "numbers",
        groupBy: ["k"],
        measures: { total: "sum(n)" },
      },
    },
    sinks: {
      rows: {
        type: "duckdb",
        from: "totals",
        path: "./t.duckdb",
        table: "t",
        outputMode: "complete",
        write: "replace",
      },
    },
    run: { trigger: "available-now", checkpoint: "./check" },
  };
  const result = await runPipeline(spec, { registry, baseDirectory: folder });
  expect(result).toMatchObject({ state: "failed", error: { code: "expression-failed" } });
});

test("a checkpoint keeps what it began with", async () => {
  expect(await run({ epochs: 1 })).toMatchObject({ state: "succeeded" });
  expect(await readFile(join(path("check"), "pipeline.json"), "utf8")).toContain('"integerSums":"int64"');
});
