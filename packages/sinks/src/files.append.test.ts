import { appendFile, mkdir, open, readdir, readFile, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { batches } from "@sferic/bindings/batch";
import { csv } from "@sferic/formats/csv";
import { json } from "@sferic/formats/json";
import { parquet } from "@sferic/formats/parquet";
import { type Batch, column, type Json, type Schema, schema, type Sink, type Staged } from "@sferic/operator";
import { describeSink, epochOf, operatorContext, planContext, streamOf, temporaryFolder } from "@sferic/testkit";
import { expect, test } from "vitest";
import { fileInTheWay, fullDisk, readOnlyFolder } from "../test/obstacles.ts";
import { files } from "./files.ts";

type Folder = Awaited<ReturnType<typeof temporaryFolder>>;

/** Rows of the growing file. */
async function visible(directory: string): Promise<string[]> {
  const text = await readFile(join(directory, "out/all.json"), "utf8").catch(() => "");
  return text.split("\n").filter((line) => line !== "");
}

describeSink({
  definition: files,
  config: { url: "out/all.json", format: { type: "json" }, write: "append" },
  formats: [parquet, csv, json],
  visible,
  obstacles: [fileInTheWay("out"), readOnlyFolder("out"), fullDisk("out")],
});

const columns = schema([column("n", "int32")]);

function rowsOf(numbers: readonly number[], of: Schema = columns): Batch {
  return batches.fromRows(
    of,
    numbers.map((n) => Object.fromEntries(of.names.map((name) => [name, n]))),
  );
}

async function sinkIn({ path }: Folder, format: Json = { type: "csv" }, durable = true): Promise<Sink> {
  const context = operatorContext({ directory: path, formats: [csv, json], durable });
  const sink = files.create(files.config.parse({ url: "out/all.csv", format, write: "append" }), context);
  await sink.open?.();
  return sink;
}

async function stage(sink: Sink, epoch: number, numbers: readonly number[], of?: Schema): Promise<Staged> {
  const staged = await sink.stage(streamOf([rowsOf(numbers, of)]), epochOf(epoch), {});
  return JSON.parse(JSON.stringify(staged)) as Staged;
}

async function write(sink: Sink, epoch: number, numbers: readonly number[], of?: Schema): Promise<void> {
  await sink.publish(await stage(sink, epoch, numbers, of), epochOf(epoch));
  await sink.discard?.(epoch);
}

const text = (folder: Folder): Promise<string> => readFile(folder.file("out/all.csv"), "utf8");

test("one header, then the rows of every epoch; nothing else is left", async () => {
  await using folder = await temporaryFolder();
  const sink = await sinkIn(folder);
  for (const epoch of [0, 1, 2]) await write(sink, epoch, [epoch, epoch + 10]);
  await sink.close?.();
  const other = await sinkIn(folder);
  await write(other, 3, [3]);
  await other.close?.();
  expect(await text(folder)).toBe("n\n0\n10\n1\n11\n2\n12\n3\n");
  expect(await readdir(folder.file("out"))).toEqual(["all.csv"]);
});

test("whatever an attempt to publish has left, another process makes it whole", async () => {
  await using folder = await temporaryFolder();
  await write(await sinkIn(folder), 0, [1, 2]);
  const staged = await stage(await sinkIn(folder), 1, [333, 444]);
  const after = "n\n1\n2\n333\n444\n";
  for (let size = 6; size <= after.length; size++) {
    for (const zeros of [0, 3]) {
      const left = after.slice(0, Math.max(6, size - zeros)) + "\0".repeat(Math.min(zeros, size - 6));
      await writeFile(folder.file("out/all.csv"), left);
      await (await sinkIn(folder)).publish(staged, epochOf(1));
      expect(await text(folder), JSON.stringify(left)).toBe(after);
    }
  }
});

test("a run without a checkpoint begins the file anew", async () => {
  await using folder = await temporaryFolder();
  for (const first of [1, 5]) {
    const sink = await sinkIn(folder, { type: "csv" }, false);
    await write(sink, 0, [first]);
    await write(sink, 1, [first + 1]);
  }
  expect(await text(folder)).toBe("n\n5\n6\n");
});

test("a run without a checkpoint does not replace what was written since it began", async () => {
  await using folder = await temporaryFolder();
  const [first, second] = [await sinkIn(folder, { type: "csv" }, false), await sinkIn(folder, { type: "csv" }, false)];
  await write(first, 0, [1]);
  await expect(write(second, 0, [2])).rejects.toMatchObject({ code: "output-conflict" });
  expect(await text(folder)).toBe("n\n1\n");
});

test.each<[string, (path: string) => Promise<void>, RegExp]>([
  ["other columns", (path) => writeFile(path, "a,b\n1,2\n"), /begins otherwise, where "n\\n" should be/],
  ["half a line at its end", (path) => writeFile(path, "n\n1\n2"), /ends in the middle of a line/],
])("rows are not appended to a file with %s", async (_, spoil, message) => {
  await using folder = await temporaryFolder();
  const path = folder.file("out/all.csv");
  await mkdir(dirname(path));
  await spoil(path);
  const before = await readFile(path);
  await expect(stage(await sinkIn(folder), 0, [1])).rejects.toMatchObject({
    code: "output-conflict",
    message: expect.stringMatching(message),
  });
  expect(await readFile(path)).toEqual(before);
});

test.each<[string, (path: string) => Promise<void>, RegExp]>([
  ["has grown", (path) => appendFile(path, "somebody else's\n"), /has grown by 12 bytes that are not ours/],
  ["has other bytes at its end", (path) => appendFile(path, "99\n"), /by another program/],
  ["is shorter", (path) => truncate(path, 3), /has 3 bytes, of which 4 were written/],
])("what is staged is not published into a file that %s since then", async (_, change, message) => {
  await using folder = await temporaryFolder();
  const path = folder.file("out/all.csv");
  const sink = await sinkIn(folder);
  await write(sink, 0, [1]);
  const staged = await stage(sink, 1, [123]);
  await change(path);
  const before = await readFile(path);
  const publishing = sink.publish(staged, epochOf(1));
  await expect(publishing).rejects.toMatchObject({ code: "output-conflict", message: expect.stringMatching(message) });
  expect(await readFile(path)).toEqual(before);
});

test("what is staged and then altered is not published", async () => {
  await using folder = await temporaryFolder();
  const staged = await stage(await sinkIn(folder), 0, [1]);
  const name = (await folder.files()).find((file) => file.includes("staging"));
  await using handle = await open(folder.file(name!), "r+");
  await handle.write("2", 2);
  await expect((await sinkIn(folder)).publish(staged, epochOf())).rejects.toMatchObject({ code: "staged-missing" });
});

test.each<[Json, string]>([
  [{ type: "parquet" }, "out/all.parquet"],
  [{ type: "json", layout: "array" }, "out/all.json"],
  [{ type: "csv", compression: "gzip" }, "out/all.csv.gz"],
  [{ type: "csv" }, "out/"],
])("rows of %j are not appended to %s", async (format, url) => {
  const config = files.config.parse({ url, format, write: "append" });
  const context = planContext({ directory: ".", formats: [csv, json, parquet] });
  await expect(files.accept!({}, config, context)).rejects.toMatchObject({
    problems: [{ code: "append-unsupported", pointer: "/write" }],
  });
});
