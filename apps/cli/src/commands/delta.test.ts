import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { sferic } from "../testing/sferic.ts";
import { specFile } from "../testing/specs.ts";

let table: string;

beforeEach(async () => {
  const spec = await specFile({
    name: "points",
    sources: { points: { type: "generate", rows: 40, rowsPerEpoch: 10, columns: { n: "index", half: "index / 2" } } },
    sinks: { lake: { type: "delta", from: "points", url: "./lake" } },
    run: { trigger: "available-now", checkpoint: "./check" },
  });
  table = join(dirname(spec), "lake");
  await sferic("run", spec);
});

const json = async (...args: string[]): Promise<unknown> =>
  JSON.parse((await sferic(...args, "--json")).out) as unknown;

const parts = async (): Promise<number> => (await readdir(table)).filter((name) => name.endsWith(".parquet")).length;

test("show: what the table is", async () => {
  const { code, out, err } = await sferic("delta", "show", table);
  expect([code, err]).toEqual([0, ""]);
  expect(out).toMatch(/lake\n {2}version +3, of 20[-\dT:.]+Z\n {2}id +[\da-f-]{36}\n {2}files +4, [\d.]+ kB\n/);
  expect(out).toMatch(/\n {2}log is read from +its beginning\n {2}partitioned by +nothing\n/);
  expect(out).toMatch(/Columns\n {2}n +int64 *\n {2}half +float64 *\n/);
  const columns = [
    { name: "n", type: "int64", nullable: true },
    { name: "half", type: "float64", nullable: true },
  ];
  expect(await json("delta", "show", table, "--table-version", "1")).toMatchObject({
    table,
    version: 1,
    files: 2,
    columns,
  });
});

test("show: neither a table nor a version that is not there", async () => {
  expect(await sferic("delta", "show", dirname(table))).toMatchObject({
    code: 1,
    err: expect.stringContaining("There is no Delta table in"),
  });
  expect(await sferic("delta", "show", table, "--table-version", "9")).toMatchObject({
    code: 1,
    err: expect.stringMatching(/no-version.*the newest one is 3/),
  });
});

test("history: versions, newest first", async () => {
  const { code, out } = await sferic("delta", "history", table, "--limit", "2");
  expect(code).toBe(0);
  expect(out.split("\n").slice(1)).toEqual([
    expect.stringMatching(/^ +3 {2}20[-\dT:.]+Z {2}WRITE +1 +0 +0 {2}sferic\/[\d.]+$/),
    expect.stringMatching(/^ +2 {2}20[-\dT:.]+Z {2}WRITE +1 +0 +0 {2}sferic\/[\d.]+$/),
    "",
  ]);
  const { history } = (await json("delta", "history", table)) as { history: { version: number }[] };
  expect(history.map(({ version }) => version)).toEqual([3, 2, 1, 0]);
});

test("optimize, and vacuum once files are old enough", async () => {
  const { out } = await sferic("delta", "optimize", table);
  expect(out).toMatch(/lake: 4 files \([\d.]+ kB\) became 1 file \(\d+ bytes\) in version 4\n$/);
  expect((await sferic("delta", "optimize", table)).out).toMatch(/lake: no files to put together\n$/);
  expect(await sferic("delta", "vacuum", table, "--retain-hours", "1")).toMatchObject({
    code: 1,
    err: expect.stringMatching(/^error\[retention-too-short\].*168 hours/),
  });
  expect((await sferic("delta", "vacuum", table)).out).toMatch(/lake: 0 files \(0 bytes\) removed\n$/);
  const now = ["--retain-hours", "0", "--force"];
  const { out: rehearsal } = await sferic("delta", "vacuum", table, ...now, "--dry-run");
  expect(rehearsal).toMatch(/^( {2}part-\S+\.parquet\n){4}.*4 files \([\d.]+ kB\) would be removed\n$/);
  expect(await parts()).toBe(5);
  expect(await json("delta", "vacuum", table, ...now)).toMatchObject({ dryRun: false, younger: 0, retentionHours: 0 });
  expect(await parts()).toBe(1);
});
