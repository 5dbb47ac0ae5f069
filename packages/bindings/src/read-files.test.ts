import { mkdtemp, readFile, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { type Batch, column, type FileContent, type InvalidInput, type ReadRequest, Schema } from "@sferic/operator";
import { afterAll, beforeAll, expect, test } from "vitest";
import { batches } from "./batch.ts";
import { createParquet, readParquetFiles } from "./formats.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sferic-read-files-"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function written(name: string, columns: Schema, rows: Record<string, unknown>[]): Promise<FileContent> {
  const path = join(folder, name);
  const batch = batches.fromRows(columns, rows);
  const writer = await createParquet(path, columns, { compression: "none", rowGroupRows: 2 });
  await writer.write(batch);
  await writer.finish();
  batch.close();
  return { name, path, byteLength: (await stat(path)).size, bytes: () => readFile(path) };
}

const numbers = new Schema([column("a", "int32", { nullable: true }), column("b", "int32", { nullable: true })]);

/** Values of `a` in every batch, and the names of invalid files. */
async function read(files: readonly FileContent[], request?: ReadRequest, name = "a"): Promise<unknown[][]> {
  const found: unknown[][] = [];
  for await (const output of readParquetFiles(files, request)) {
    if ("invalid" in output) found.push([output.invalid.name]);
    else {
      found.push([...output.column(name).values]);
      output.close();
    }
  }
  return found;
}

test("files share batches in their order, whether on disk or in memory; a damaged one is told in its place", async () => {
  const first = await written("1.parquet", numbers, [{ a: 1 }, { a: 2 }]);
  const second = await written("2.parquet", numbers, [{ a: 3 }]);
  const { path: _, ...inMemory } = await written("3.parquet", numbers, [{ a: 4 }]);
  const damaged = await written("4.parquet", numbers, [{ a: 5 }]);
  await truncate(damaged.path!, damaged.byteLength - 9);
  expect(await read([first, inMemory, second])).toEqual([[1, 2, 4, 3]]);
  expect(await read([first, damaged, second])).toEqual([[1, 2], ["4.parquet"], [3]]);
  expect(await read([damaged])).toEqual([["4.parquet"]]);
});

test("conditions leave out the row groups that they rule out", async () => {
  const file = await written(
    "5.parquet",
    numbers,
    [1, 2, 3, 4, 5, 6].map((a) => ({ a })),
  );
  const least = { column: "a", comparison: ">=", values: ["4"] } as const;
  expect(await read([file], { conditions: [least] })).toEqual([[3, 4, 5, 6]]);
  expect(await read([file], { conditions: [least, { ...least, comparison: "<", values: ["5"] }] })).toEqual([[3, 4]]);
});

test("only the columns that are asked for are read, in the order of the schema, and constants fill theirs", async () => {
  const file = await written("6.parquet", numbers, [{ a: 1, b: 2 }]);
  const schema = new Schema([...numbers.columns, column("year", "int64", { nullable: true })]);
  const given = { ...file, constants: { year: "2018" } };
  const names: string[][] = [];
  for await (const output of readParquetFiles([given], { schema, columns: ["year", "b"], conditions: [] })) {
    const batch = output as Batch;
    names.push(batch.schema.names);
    expect([...batch.column("year").values]).toEqual([2018n]);
    batch.close();
  }
  expect(names).toEqual([["b", "year"]]);
});

test("a reader that is given up stops, and so does one whose signal aborts", async () => {
  const file = await written("7.parquet", numbers, [{ a: 1 }]);
  const many = Array.from({ length: 2000 }, () => file);
  for await (const output of readParquetFiles(many)) {
    (output as Batch).close();
    break;
  }
  const abort = new AbortController();
  const reading = readParquetFiles(many, undefined, abort.signal);
  const next = reading.next();
  abort.abort(new Error("enough"));
  await expect(next).rejects.toThrow("enough");
});

test("a file that is gone ends the reading: it is not a damaged one", async () => {
  const gone: FileContent = {
    name: "x",
    path: join(folder, basename("none.parquet")),
    byteLength: 1,
    bytes: notCalled,
  };
  const outputs: AsyncIterable<Batch | InvalidInput> = readParquetFiles([gone]);
  await expect(Array.fromAsync(outputs)).rejects.toMatchObject({ code: "not-found" });
});

function notCalled(): never {
  throw new Error("The file is read in the core.");
}
