import { glob, mkdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { batches } from "@sferic/bindings/batch";
import { csv } from "@sferic/formats/csv";
import { parquet } from "@sferic/formats/parquet";
import { type Batch, column, type Schema, schema, type Sink, type Staged } from "@sferic/operator";
import {
  describeSink,
  duckdbRows,
  epochOf,
  operatorContext,
  planContext,
  streamOf,
  temporaryFolder,
} from "@sferic/testkit";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { expect, test } from "vitest";
import { fileInTheWay, fullDisk, readOnlyFolder } from "../test/obstacles.ts";
import { files } from "./files.ts";

type Folder = Awaited<ReturnType<typeof temporaryFolder>>;

/** Rows of every visible file, with what its folders say. */
async function visible(directory: string): Promise<string[]> {
  const paths = await Array.fromAsync(glob("out/*=*/*.parquet", { cwd: directory }));
  const rows = await Promise.all(
    paths.map(async (path) => {
      const file = await asyncBufferFromFile(join(directory, path));
      const read = await parquetReadObjects({ file, compressors });
      return read.map((row) => JSON.stringify([path.split("/")[1], row]));
    }),
  );
  return rows.flat();
}

describeSink({
  definition: files,
  config: { url: "out", format: { type: "parquet" }, partitionBy: ["blob"] },
  formats: [parquet, csv],
  visible,
  obstacles: [fileInTheWay("out"), readOnlyFolder("out"), fullDisk("out")],
});

const columns = schema([
  column("name", "utf8", { nullable: true }),
  column("day", "date32", { nullable: true }),
  column("n", "int64"),
]);

async function sinkIn({ path }: Folder, partitionBy: readonly string[], durable = true): Promise<Sink> {
  const context = operatorContext({ directory: path, formats: [csv, parquet], durable });
  const sink = files.create(files.config.parse({ url: "out", format: { type: "csv" }, partitionBy }), context);
  await sink.open?.();
  return sink;
}

type Rows = readonly (readonly [name: string | null, day: string | null, n: number])[];

function rowsOfAll(rows: Rows, of: Schema = columns): Batch {
  return batches.fromRows(
    of,
    rows.map(([name, day, n]) => ({ name, day, n })),
  );
}

async function write(sink: Sink, parts: readonly Rows[], epoch = 0): Promise<Staged> {
  const staged = await sink.stage(streamOf(parts.map((rows) => rowsOfAll(rows))), epochOf(epoch), {});
  const record = JSON.parse(JSON.stringify(staged)) as Staged;
  await sink.publish(record, epochOf(epoch));
  return record;
}

const odd: Rows = [
  ["a/b=c", "2018-07-02", 0],
  ["δ *?", "2018-07-02", 1],
  [null, "2018-07-03", 2],
  ["a/b=c", null, 3],
  ["..", "2018-07-03", 4],
  ["100%", "2018-07-03", 5],
];

test("DuckDB finds in folders what was written, whatever the values", async () => {
  await using folder = await temporaryFolder();
  await write(await sinkIn(folder, ["day", "name"]), [odd.slice(0, 4), odd.slice(4)]);
  const query = `SELECT name, CAST(day AS VARCHAR) AS day, n FROM read_csv('${folder.file("out/**/*.csv")}', hive_partitioning = true, hive_types = {'day': DATE, 'name': VARCHAR}) ORDER BY n`;
  const found = await duckdbRows(query);
  expect(found.map(({ name, day, n }) => [name, day, Number(n)])).toEqual(odd);
});

test("an epoch has one file in each folder, however its rows are cut, and their order stays", async () => {
  await using folder = await temporaryFolder();
  const sink = await sinkIn(folder, ["name"]);
  const rows = [0, 1, 2, 3, 4, 5].map((n) => [n % 2 === 0 ? "even" : "odd", null, n] as const);
  const staged = await write(
    sink,
    rows.map((row) => [row]),
  );
  expect(staged.rows).toBe(6);
  await write(sink, [[["odd", null, 7]]], 1);
  expect(await folder.files()).toEqual([
    "out/name=even/part-0000000000-00000-p-o.csv",
    "out/name=odd/part-0000000000-00001-p-o.csv",
    "out/name=odd/part-0000000001-00000-p-o.csv",
  ]);
  expect(await readFile(folder.file("out/name=even/part-0000000000-00000-p-o.csv"), "utf8")).toBe(
    "day,n\n,0\n,2\n,4\n",
  );
});

test("whatever an attempt to publish has left, another process makes it whole", async () => {
  await using folder = await temporaryFolder();
  const stream = streamOf([rowsOfAll(odd)]);
  const staged = (await (await sinkIn(folder, ["name"])).stage(stream, epochOf(), {}))!;
  const { files: parts } = staged.record as { files: { name: string; folder: string }[] };
  // A process that was killed had moved the first two.
  for (const { name, folder: own } of parts.slice(0, 2)) {
    await mkdir(folder.file(`out/${own}`));
    const [found] = await Array.fromAsync(glob(`out/.sferic-staging/*/*-${name}`, { cwd: folder.path }));
    await rename(folder.file(found!), folder.file(`out/${own}/${name}`));
  }
  const other = await sinkIn(folder, ["name"]);
  await other.publish(JSON.parse(JSON.stringify(staged)), epochOf());
  await other.close?.();
  expect(await folder.files()).toEqual(parts.map(({ name, folder: own }) => `out/${own}/${name}`).toSorted());
});

test("without a checkpoint, a new run removes the parts of the run before, and the folders that are empty then", async () => {
  await using folder = await temporaryFolder();
  await write(await sinkIn(folder, ["name"], false), [odd]);
  await write(await sinkIn(folder, ["name"], false), [[["other", null, 1]]]);
  expect(await folder.files()).toEqual(["out/name=other/part-0000000000-00000-p-o.csv"]);
  await write(await sinkIn(folder, [], false), [[["other", null, 1]]]);
  expect(await folder.files()).toEqual(["out/part-0000000000-00000-p-o.csv"]);
});

test("a value too long for the name of a folder is told, and nothing is left", async () => {
  await using folder = await temporaryFolder();
  const sink = await sinkIn(folder, ["name"]);
  const staging = sink.stage(streamOf([rowsOfAll([["x".repeat(300), null, 1]])]), epochOf(), {});
  await expect(staging).rejects.toMatchObject({ code: "partition-name-too-long" });
  await sink.discard?.(0);
  await sink.close?.();
  expect(await folder.files()).toEqual([]);
});

test("names wrong columns by their places", async () => {
  const problemsOf = (config: object): Promise<unknown> => {
    const parsed = files.config.parse({ url: "out", format: { type: "csv" }, ...config });
    const accepting = files.accept!({ main: columns }, parsed, planContext({ directory: ".", formats: [csv] }));
    return Promise.resolve(accepting).then(
      () => [],
      (thrown: { problems: unknown }) => thrown.problems,
    );
  };
  expect(await problemsOf({ partitionBy: ["nmae"] })).toMatchObject([
    { code: "unknown-column", pointer: "/partitionBy/0", hint: "name" },
  ]);
  expect(await problemsOf({ partitionBy: ["name", "name"] })).toMatchObject([
    { code: "duplicate-column", pointer: "/partitionBy/1" },
  ]);
  expect(await problemsOf({ partitionBy: ["n", "day", "name"] })).toMatchObject([{ code: "no-columns" }]);
  expect(await problemsOf({ partitionBy: ["n"], write: "append", url: "out/all.csv" })).toMatchObject([
    { code: "append-unsupported", pointer: "/partitionBy" },
  ]);
  expect(await problemsOf({ partitionBy: ["day", "name"] })).toEqual([]);
});
