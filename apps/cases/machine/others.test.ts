import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, cp, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { queryDatabase } from "@sferic/bindings/relational";
import { type Row, rowsOf } from "@sferic/operator";
import { afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { granules, lightningIn, strayNames, undisturbedRows, visibleRows } from "../kill/lightning.ts";
import { runChild } from "../kill/run-child.ts";

const source = ["--conditions=@sferic/source", "--disable-warning=ExperimentalWarning"];

/** A program that holds a database open, and says so. */
const holdDatabase = join(import.meta.dirname, "../../../packages/bindings/test/hold-database.ts");

let undisturbed: Awaited<ReturnType<typeof visibleRows>>;
let folder: string;

beforeAll(async () => {
  undisturbed = await undisturbedRows();
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sferic-others-"));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function firstRow(database: string, sql: string): Promise<Row | undefined> {
  const batch = await queryDatabase(database, sql);
  const [row] = rowsOf(batch, 1);
  batch.close();
  return row;
}

async function expectResumed(spec: string): Promise<void> {
  expect(await runChild([spec])).toMatchObject({ code: 0, stderr: "" });
  expect(await visibleRows(folder)).toEqual(undisturbed);
  expect(await strayNames(folder)).toEqual([]);
}

describe("a file that changes after its epoch was planned ends the run, and the file as planned lets it go on", () => {
  test.each([
    ["grows", (path: string) => appendFile(path, "x")],
    ["gets a later time", (path: string) => utimes(path, 1, 1)],
    ["is gone", (path: string) => rm(path)],
  ])("%s", async (_, change) => {
    const input = join(folder, "input");
    await cp(granules, input, { recursive: true, preserveTimestamps: true });
    const spec = await lightningIn(folder, { granules: input });
    expect(await runChild([spec, "2", "intent"])).toMatchObject({ killed: true });
    const name = (await readdir(input)).filter((one) => one.endsWith(".nc")).toSorted()[2]!;
    const [path, kept] = [join(input, name), join(folder, "kept")];
    await cp(path, kept, { preserveTimestamps: true });
    await change(path);
    const failed = await runChild([spec]);
    expect(failed.result).toMatchObject({
      state: "failed",
      error: { code: "source-changed", operatorId: "flashes", message: expect.stringContaining(path) },
    });
    await rm(path, { force: true });
    await cp(kept, path, { preserveTimestamps: true });
    await expectResumed(spec);
  });
});

test("a database that another process holds: the run names it, and goes on when it is free", async () => {
  const spec = await lightningIn(folder);
  expect(await runChild([spec, "2", "published", "csv"])).toMatchObject({ killed: true });
  const database = join(folder, "out/lightning.duckdb");
  const holder = spawn(process.execPath, [holdDatabase, database], { stdio: ["pipe", "pipe", "inherit"] });
  await once(holder.stdout, "data");
  const failed = await runChild([spec]);
  holder.kill("SIGKILL");
  await once(holder, "exit");
  expect(failed.result).toMatchObject({
    state: "failed",
    error: { code: "database-locked", operatorId: "db", message: expect.stringContaining(String(holder.pid)) },
  });
  await expectResumed(spec);
});

test.each(["data.csv", "notes.duckdb"])(
  "%s in the place of the database is no database, is left as it is, and takes no rows",
  async (name) => {
    const spec = await lightningIn(folder);
    const database = join(folder, name);
    await writeFile(spec, (await readFile(spec, "utf8")).replace("${param:out}/lightning.duckdb", database));
    await writeFile(database, "a,b\n1,2\n");
    const { result } = await runChild([spec]);
    expect(result).toMatchObject({ state: "failed", epochs: 0, error: { code: "not-a-database", operatorId: "db" } });
    expect(await readFile(database, "utf8")).toBe("a,b\n1,2\n");
    await rm(database);
    expect(await runChild([spec])).toMatchObject({ code: 0, stderr: "" });
    const rows = await firstRow(database, "SELECT count(*) AS count FROM flashes");
    expect(Number(rows?.["count"])).toBe(undisturbed.duckdb.length);
  },
);

test("of two runs at the same time on one checkpoint the second is told who holds it", { retry: 2 }, async () => {
  const spec = await lightningIn(folder);
  await writeFile(spec, (await readFile(spec, "utf8")).replace('"available-now"', '{ "everyMs": 100 }'));
  const first = spawn(process.execPath, [...source, join(import.meta.dirname, "../kill/child.ts"), spec]);
  onTestFinished(() => void first.kill("SIGKILL"));
  await vi.waitFor(() => readFile(join(folder, "out/.checkpoint/commits/0000000000.json")), 60_000);
  const started = performance.now();
  const second = await runChild([spec]);
  expect(second.result).toMatchObject({
    state: "failed",
    epochs: 0,
    error: { code: "checkpoint-locked", message: expect.stringContaining(`process ${first.pid} `) },
  });
  expect(second.result!.seconds.total).toBeLessThan(1);
  expect(performance.now() - started).toBeLessThan(10_000);
  await vi.waitFor(async () => expect(await visibleRows(folder)).toEqual(undisturbed), {
    timeout: 60_000,
    interval: 200,
  });
  first.kill("SIGKILL");
  await once(first, "exit");
  await writeFile(spec, await readFile(await lightningIn(folder), "utf8"));
  await expectResumed(spec);
});
