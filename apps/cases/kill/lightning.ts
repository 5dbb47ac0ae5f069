import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { queryDatabase } from "@sferic/bindings/relational";
import type { Trigger } from "@sferic/engine";
import { rowsOf } from "@sferic/operator";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { runChild } from "./run-child.ts";

const caseFolder = join(import.meta.dirname, "../lightning-stream");
export const granules = join(import.meta.dirname, "../data/glm");

/** Flashes that the granules hold. */
export const flashCount = 1303;

/** Where the pipeline reads and keeps its records, and when it runs; the outputs are always in the folder's `out`. */
export interface Changes {
  readonly granules?: string;
  readonly checkpoint?: string;
  readonly trigger?: Trigger;
}

/** Writes the lightning pipeline of the examples into `folder`, cut into epochs of one granule, with its outputs there. */
export async function lightningIn(folder: string, changes: Changes = {}): Promise<string> {
  const spec = JSON.parse(await readFile(join(caseFolder, "pipeline.json"), "utf8"));
  spec.sources.flashes.filesPerEpoch = 1;
  spec.parameters.granules.default = changes.granules ?? granules;
  spec.parameters.out.default = join(folder, "out");
  spec.run.checkpoint = changes.checkpoint ?? spec.run.checkpoint;
  spec.run.trigger = changes.trigger ?? spec.run.trigger;
  await mkdir(folder, { recursive: true });
  const file = join(folder, "pipeline.json");
  await writeFile(file, JSON.stringify(spec));
  return file;
}

/** What a reader sees in the outputs: rows of each sink as sorted text, duplicates kept. Throws when a file is incomplete. */
export async function visibleRows(folder: string): Promise<Record<"parquet" | "csv" | "duckdb", string[]>> {
  return {
    parquet: (await Promise.all((await parts(folder, "geospatial")).map(parquetRows))).flat().toSorted(),
    csv: (await Promise.all((await parts(folder, "csv")).map(csvRows))).flat().toSorted(),
    duckdb: (await duckdbRows(join(folder, "out/lightning.duckdb"))).toSorted(),
  };
}

/** The rows of a run that nothing disturbs; every flash of the granules in every sink. */
export async function undisturbedRows(): Promise<Awaited<ReturnType<typeof visibleRows>>> {
  const folder = await mkdtemp(join(tmpdir(), "sferic-undisturbed-"));
  try {
    const { code, stderr } = await runChild([await lightningIn(folder)]);
    const rows = await visibleRows(folder);
    if (code !== 0 || Object.values(rows).some(({ length }) => length !== flashCount)) throw new Error(stderr);
    return rows;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Names in the output folders that are neither data nor tokens: what an unfinished or untidy run leaves. */
export async function strayNames(folder: string): Promise<string[]> {
  const names = await Promise.all(["geospatial", "csv"].map((sink) => readdir(join(folder, "out", sink))));
  return names.flat().filter((name) => !/^(part-|\.sferic-token\.)/.test(name));
}

async function parts(folder: string, sink: string): Promise<string[]> {
  const names = await readdir(join(folder, "out", sink)).catch(() => []);
  return names.filter((name) => !name.startsWith(".")).map((name) => join(folder, "out", sink, name));
}

async function parquetRows(path: string): Promise<string[]> {
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(path), compressors });
  return rows.map((row) =>
    JSON.stringify(row, (_, value) => (typeof value === "bigint" ? String(value) : (value as unknown))),
  );
}

async function csvRows(path: string): Promise<string[]> {
  const text = await readFile(path, "utf8");
  if (!text.endsWith("\n")) throw new Error(`${path} does not end with a line end`);
  return text.trimEnd().split("\n").slice(1);
}

async function duckdbRows(path: string): Promise<string[]> {
  try {
    const batch = await queryDatabase(path, "SELECT * FROM flashes");
    const rows = rowsOf(batch).map((row) => JSON.stringify(row));
    batch.close();
    return rows;
  } catch (thrown) {
    if (/does not exist|no such/i.test(String(thrown))) return [];
    throw thrown;
  }
}
