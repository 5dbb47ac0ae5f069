import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vacuumDelta } from "@sferic/bindings/delta-keep";
import type { ProtocolPoint } from "@sferic/engine";
import { deltaRows, isWhole, readDeltaTable } from "@sferic/testkit";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runChild } from "./run-child.ts";

const [fileCount, rowsPerFile] = [5, 200];
const everyRow = Array.from({ length: fileCount * rowsPerFile }, (_, row) => row);
const sinks = ["lake", "cut"];

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sferic-kill-delta-"));
  await mkdir(join(root, "in"));
  for (let file = 0; file < fileCount; file++) {
    const rows = everyRow.slice(file * rowsPerFile, (file + 1) * rowsPerFile).map((n) => ({ n, third: n % 3 }));
    await writeFile(join(root, "in", `${file}.json`), JSON.stringify(rows));
  }
});

afterAll(() => rm(root, { recursive: true, force: true }));

/** One table, and one cut by a column. */
async function specIn(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const json = { type: "json", layout: "array", schema: { n: "int32", third: "int32" } };
  const spec = {
    name: "lake",
    sources: { rows: { type: "files", url: join(root, "in"), filesPerEpoch: 1, format: json } },
    sinks: {
      lake: { type: "delta", from: "rows", url: "out/lake" },
      cut: { type: "delta", from: "rows", url: "out/cut", partitionBy: ["third"] },
    },
    run: { trigger: "available-now", checkpoint: "check" },
  };
  const file = join(folder, "pipeline.json");
  await writeFile(file, JSON.stringify(spec));
  return file;
}

/** Every row once, and every epoch one commit. */
async function expectRows(table: string): Promise<void> {
  const rows = await deltaRows(table, async (path) =>
    parquetReadObjects({ file: await asyncBufferFromFile(path), compressors }),
  );
  expect(rows.map(({ n }) => n as number).toSorted((one, other) => one - other)).toEqual(everyRow);
  const { transactions } = (await readDeltaTable(table))!;
  expect(transactions.map(({ version }) => version)).toEqual([0, 1, 2, 3, 4]);
}

/** No file beside those of the log, and the token. */
async function expectNoStrays(table: string): Promise<void> {
  const { files } = (await readDeltaTable(table))!;
  const left = (await readdir(table)).filter((name) => name !== "_delta_log" && !name.startsWith(".sferic-token."));
  expect(left.toSorted()).toEqual(files.map(({ path }) => path).toSorted());
  const log = await readdir(join(table, "_delta_log"));
  expect(log.filter((name) => name.startsWith("."))).toEqual([]);
}

async function expectWhole(folder: string): Promise<void> {
  for (const sink of sinks) {
    await expectRows(join(folder, "out", sink));
    await expectNoStrays(join(folder, "out", sink));
  }
}

const steps: [ProtocolPoint, string?][] = [
  ["intent"],
  ["staged"],
  ["prepared"],
  ...sinks.map((sink): [ProtocolPoint, string] => ["published", sink]),
  ["all-published"],
  ["committed"],
  ["acknowledged"],
  ["cleaned"],
];

test.each(steps)("killed at %s %s, a table holds every row once", async (point, sink) => {
  const folder = join(root, `${point}-${sink ?? ""}`);
  const spec = await specIn(folder);
  for (const epoch of ["0", "2"]) {
    const ending = await runChild([spec, epoch, point, ...(sink === undefined ? [] : [sink])]);
    expect(ending.killed, ending.stderr).toBe(true);
  }
  expect(await runChild([spec])).toMatchObject({ killed: false, code: 0, stderr: "" });
  await expectWhole(folder);
});

test("killed at any moment, again and again, a table holds every row once", async () => {
  const folder = join(root, "any-moment");
  const spec = await specIn(folder);
  for (let killAfterMs = 150; killAfterMs < 1000; killAfterMs += isWhole ? 60 : 140)
    await runChild([spec], { killAfterMs });
  expect(await runChild([spec])).toMatchObject({ killed: false, code: 0, stderr: "" });
  await expectWhole(folder);
});

test("killed while it puts files together, a table is as it was or done", async () => {
  const folder = join(root, "compacted");
  expect(await runChild([await specIn(folder)])).toMatchObject({ code: 0, stderr: "" });
  const [whole, table] = [join(folder, "out/cut"), join(folder, "copy")];
  let killed = 0;
  for (let killAfterMs = 1; killAfterMs <= 24; killAfterMs += isWhole ? 1 : 4) {
    await cp(whole, table, { recursive: true });
    const ending = await runChild([table, String(killAfterMs)], { program: "compact-child.ts" });
    killed += ending.killed ? 1 : 0;
    await expectRows(table);
    expect(await runChild([table, "60000"], { program: "compact-child.ts" })).toMatchObject({ code: 0, stderr: "" });
    await expectRows(table);
    await vacuumDelta({ table, retentionHours: 0, force: true, dryRun: false });
    await expectNoStrays(table);
    await rm(table, { recursive: true });
  }
  expect(killed).toBeGreaterThan(0);
});
