import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { batches } from "@sferic/bindings/batch";
import { type Batch, column, ConfigError, type Json, schema, type Sink } from "@sferic/operator";
import {
  deltaRows,
  describeSink,
  epochOf,
  operatorContext,
  planContext,
  readDeltaTable,
  streamOf,
  temporaryFolder,
} from "@sferic/testkit";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { expect, it, onTestFinished } from "vitest";
import { fileInTheWay, fullDisk, readOnlyFolder } from "../test/obstacles.ts";
import { delta } from "./delta.ts";

/** The rows of a table: its log by the words of the protocol, its files by another reader. */
function rowsOf(folder: string): Promise<Record<string, unknown>[]> {
  return deltaRows(folder, async (path) => parquetReadObjects({ file: await asyncBufferFromFile(path), compressors }));
}

const texts = async (folder: string): Promise<string[]> => (await rowsOf(folder)).map((row) => JSON.stringify(row));

describeSink({
  definition: delta,
  config: { url: "out/points" },
  visible: (directory) => texts(join(directory, "out/points")),
  obstacles: [fileInTheWay("out"), readOnlyFolder("out"), fullDisk("out")],
});

describeSink({
  definition: delta,
  config: { url: "out", partitionBy: ["blob"], compression: "zstd" },
  visible: (directory) => texts(join(directory, "out")),
});

interface Options {
  readonly operatorId?: string;
  readonly history?: string;
  readonly config?: Readonly<Record<string, Json>>;
}

/** A sink of its own process, for the table in a folder. */
function opened(directory: string, { operatorId = "lake", history = "h", config = {} }: Options = {}): Sink {
  const context = operatorContext({ directory, operatorId, history });
  const sink = delta.create(delta.config.parse({ url: "table", ...config }), context);
  onTestFinished(() => sink.close?.());
  return sink;
}

async function publishRows(sink: Sink, epoch: number, rows: Batch): Promise<void> {
  const staged = await sink.stage(streamOf([rows]), epochOf(epoch), {});
  await sink.publish(staged!, epochOf(epoch));
}

const numbers = (...values: number[]): Batch =>
  batches.fromRows(
    schema([column("n", "int32")]),
    values.map((n) => ({ n })),
  );

const named = (...values: [number, string][]): Batch =>
  batches.fromRows(
    schema([column("n", "int32"), column("name", "utf8")]),
    values.map(([n, name]) => ({ n, name })),
  );

it("says in every commit which epoch of which pipeline it is, once", async () => {
  await using folder = await temporaryFolder();
  const sink = opened(folder.path);
  await publishRows(sink, 0, numbers(1, 2));
  const staged = await sink.stage(streamOf([numbers(3)]), epochOf(1), {});
  await sink.publish(staged!, epochOf(1));
  await opened(folder.path).publish(staged!, epochOf(1));
  const table = (await readDeltaTable(folder.file("table")))!;
  expect(table.transactions).toEqual([
    { appId: "p@h/lake", version: 0 },
    { appId: "p@h/lake", version: 1 },
  ]);
  expect(table.columns).toEqual([{ name: "n", type: "integer", nullable: true, metadata: {} }]);
  expect(table.files.map(({ stats }) => JSON.parse(stats))).toMatchObject([
    { numRecords: 2, minValues: { n: 1 }, maxValues: { n: 2 }, nullCount: { n: 0 } },
    { numRecords: 1, minValues: { n: 3 }, maxValues: { n: 3 }, nullCount: { n: 0 } },
  ]);
});

it("leaves nothing but the table once it is closed", async () => {
  await using folder = await temporaryFolder();
  const sink = opened(folder.path);
  await publishRows(sink, 0, numbers(1));
  await sink.discard?.(0);
  await sink.close?.();
  const left = (await readdir(folder.file("table"))).filter((name) => !name.endsWith(".parquet"));
  expect(left).toEqual(["_delta_log"]);
  expect(await readdir(folder.file("table/_delta_log"))).toEqual(["00000000000000000000.json"]);
});

it("shares a table with other pipelines", async () => {
  await using folder = await temporaryFolder();
  const sinks = ["one", "two", "three"].map((operatorId) => opened(folder.path, { operatorId }));
  const epochs = [0, 1, 2, 3];
  await Promise.all(
    sinks.map(async (sink, index) => {
      for (const epoch of epochs) await publishRows(sink, epoch, numbers(index * 10 + epoch));
    }),
  );
  const found = (await rowsOf(folder.file("table"))).map(({ n }) => n as number);
  expect(found.toSorted((one, other) => one - other)).toEqual([0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23]);
});

it("fences off a run on a copy of the checkpoint", async () => {
  await using folder = await temporaryFolder();
  const [run, copy] = [opened(folder.path), opened(folder.path)];
  const staged = await copy.stage(streamOf([numbers(9)]), epochOf(0), {});
  const staging = folder.file("table/.sferic-staging/p-lake-h");
  const [file] = await readdir(staging);
  const bytes = await readFile(join(staging, file!));
  await publishRows(run, 0, numbers(1));
  await mkdir(staging, { recursive: true });
  await writeFile(join(staging, file!), bytes);
  await expect(copy.publish(staged!, epochOf(0))).rejects.toMatchObject({ code: "fenced" });
  expect(await rowsOf(folder.file("table"))).toEqual([{ n: 1 }]);
});

it("adds new columns when told to, and refuses them before anything is written otherwise", async () => {
  await using folder = await temporaryFolder();
  await publishRows(opened(folder.path), 0, numbers(1));
  const before = await folder.files();
  const strict = opened(folder.path);
  await expect(publishRows(strict, 1, named([2, "b"]))).rejects.toMatchObject({
    code: "schema-mismatch",
    message: expect.stringMatching(/"name".*mergeSchema/),
  });
  await strict.discard?.(1);
  expect(await folder.files()).toEqual(before);
  await publishRows(opened(folder.path, { config: { mergeSchema: true } }), 1, named([2, "b"]));
  expect(await rowsOf(folder.file("table"))).toEqual([{ n: 1 }, { n: 2, name: "b" }]);
  const table = (await readDeltaTable(folder.file("table")))!;
  expect(table.columns.map(({ name }) => name)).toEqual(["n", "name"]);
  expect(table.versionCount).toBe(2);
});

it("refuses rows of another type", async () => {
  await using folder = await temporaryFolder();
  await publishRows(opened(folder.path), 0, numbers(1));
  const others = batches.fromRows(schema([column("n", "utf8")]), [{ n: "2" }]);
  await expect(publishRows(opened(folder.path), 1, others)).rejects.toMatchObject({ code: "schema-mismatch" });
  expect(await rowsOf(folder.file("table"))).toEqual([{ n: 1 }]);
});

it("cuts rows by the values of partition columns, of which an empty text is none", async () => {
  await using folder = await temporaryFolder();
  const rows = named([1, "a/b c"], [2, ""], [3, "a/b c"], [4, "ü"]);
  await publishRows(opened(folder.path, { config: { partitionBy: ["name"] } }), 0, rows);
  const table = (await readDeltaTable(folder.file("table")))!;
  expect(table.partitionColumns).toEqual(["name"]);
  expect(table.files.map(({ partitionValues }) => partitionValues["name"])).toEqual(["a/b c", null, "ü"]);
  await publishRows(opened(folder.path), 1, named([5, "ü"]));
  const found = (await rowsOf(folder.file("table"))).toSorted((one, other) => Number(one["n"]) - Number(other["n"]));
  expect(found.map(({ name }) => name)).toEqual(["a/b c", null, "a/b c", "ü", "ü"]);
});

it("refuses an epoch with more partitions than a table can bear", async () => {
  await using folder = await temporaryFolder();
  const sink = opened(folder.path, { config: { partitionBy: ["n"] } });
  const rows = named(...Array.from({ length: 1001 }, (_, n): [number, string] => [n, "x"]));
  await expect(publishRows(sink, 0, rows)).rejects.toMatchObject({ code: "too-many-partitions" });
  await sink.discard?.(0);
  expect(await folder.files()).toEqual([]);
});

it("says while planning which columns Delta Lake cannot hold, and what to do", async () => {
  const main = schema([column("at", "timestamp[ns, UTC]"), column("clock", "time64[us]"), column("n", "uint64")]);
  const refused = await Promise.resolve()
    .then(() => delta.accept!({ main }, delta.config.parse({ url: "t" }), planContext({ directory: "/" })))
    .catch((thrown: unknown) => thrown);
  expect(refused).toBeInstanceOf(ConfigError);
  expect((refused as ConfigError).problems).toMatchObject([
    { code: "unsupported-type", message: expect.stringContaining('CAST("at" AS TIMESTAMP)') },
    { code: "unsupported-type", message: expect.stringContaining("clock") },
  ]);
});

it("names a table whose log cannot be read, and leaves it as it is", async () => {
  await using folder = await temporaryFolder();
  await mkdir(folder.file("table/_delta_log"), { recursive: true });
  await writeFile(folder.file("table/_delta_log/00000000000000000000.json"), "a diary");
  await expect(publishRows(opened(folder.path), 0, numbers(1))).rejects.toMatchObject({
    code: "invalid-table",
    message: expect.stringContaining(folder.file("table")),
  });
});
