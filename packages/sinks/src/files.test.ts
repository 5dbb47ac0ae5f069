import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { batches } from "@sferic/bindings/batch";
import { csv } from "@sferic/formats/csv";
import { parquet } from "@sferic/formats/parquet";
import { type Batch, column, type Json, schema } from "@sferic/operator";
import {
  cellsOf,
  cut,
  describeSink,
  epochOf,
  linesFormat,
  operatorContext,
  planContext,
  streamOf,
  temporaryFolder,
  typedRows,
} from "@sferic/testkit";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { expect, it } from "vitest";
import { files } from "./files.ts";
import { fullDisk, fileInTheWay, readOnlyFolder } from "../test/obstacles.ts";

/** Rows of every visible Parquet file of a folder, as a reader of folders would list them. */
async function visible(directory: string): Promise<string[]> {
  const names = await readdir(join(directory, "out")).catch(() => []);
  const parts = names.filter((name) => !name.startsWith("."));
  const rows = await Promise.all(
    parts.map(async (name) =>
      parquetReadObjects({ file: await asyncBufferFromFile(join(directory, "out", name)), compressors }),
    ),
  );
  return rows.flat().map((row) => JSON.stringify(row));
}

describeSink({
  definition: files,
  config: { url: "out", format: { type: "parquet" } },
  formats: [parquet, csv],
  visible,
  obstacles: [fileInTheWay("out"), readOnlyFolder("out"), fullDisk("out")],
});

/** The only file that a sink leaves after one epoch of these rows. */
async function written(rows: Batch, format: { type: string } & Record<string, Json>): Promise<Buffer> {
  await using folder = await temporaryFolder();
  const context = operatorContext({ directory: folder.path, formats: [parquet, csv] });
  const sink = files.create(files.config.parse({ url: "out", format }), context);
  await sink.open?.();
  const staged = await sink.stage(streamOf(cut(rows, 2)), epochOf(), {});
  rows.close();
  await sink.publish(staged!, epochOf());
  const names = await folder.files();
  expect(names).toEqual([`out/part-0000000000-00000-p-o.${format.type}`]);
  return readFile(folder.file(names[0]!));
}

/** Records of a CSV text, by the grammar of RFC 4180; whether each field stood in quotes is kept. */
function recordsOf(text: string): { text: string; isQuoted: boolean }[][] {
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/gy;
  const records: { text: string; isQuoted: boolean }[][] = [[]];
  while (field.lastIndex < text.length) {
    const found = field.exec(text);
    if (found === null) throw new Error("This is no CSV.");
    const [, quoted, plain, end] = found;
    records.at(-1)!.push({ text: quoted?.replaceAll('""', '"') ?? plain!, isQuoted: quoted !== undefined });
    if (end !== ",") records.push([]);
  }
  return records.filter((record) => record.length > 0);
}

const texts = ["plain", "", 'comma, "quote"', "line\nbreak", "carriage\r\nreturn", " spaces ", "δ⚡", null, "null"];

it("writes CSV that a plain reader understands", async () => {
  const columns = schema([column("row, number", "int32"), column("text", "utf8", { nullable: true })]);
  const rows = batches.fromRows(
    columns,
    texts.map((text, row) => ({ "row, number": row, text })),
  );
  const [header, ...records] = recordsOf((await written(rows, { type: "csv" })).toString());
  expect(header!.map((cell) => cell.text)).toEqual(["row, number", "text"]);
  expect(records.map(([row]) => Number(row!.text))).toEqual(texts.map((_, row) => row));
  const read = records.map(([, cell]) => (cell!.text === "" && !cell!.isQuoted ? null : cell!.text));
  expect(read).toEqual(texts);
});

it("writes numbers to CSV so that they read back to the last bit, and times as RFC 3339", async () => {
  const values = [0.1, -0, 1e300, 5e-324, 123_456_789.123_456_79];
  const rows = batches.fromRows(
    schema([column("x", "float64")]),
    values.map((x) => ({ x })),
  );
  const [, ...records] = recordsOf((await written(rows, { type: "csv" })).toString());
  expect(records.map(([cell]) => Number(cell!.text))).toEqual(values);
  const times = recordsOf((await written(typedRows("timestamp[ns, UTC]"), { type: "csv" })).toString());
  expect(times.slice(1, 4).map(([, cell]) => cell!.text)).toEqual([
    "1969-12-31T23:59:59.999999999Z",
    "2018-07-02T04:33:00.000000001Z",
    "",
  ]);
});

it("writes Parquet that another reader understands, to the bit and with nulls", async () => {
  const types = ["bool", "int32", "int64", "uint32", "float64", "utf8", "list<int32>"];
  for (const type of types) {
    const rows = typedRows(type);
    const expected = cellsOf(rows)["value"]!;
    const bytes = await written(rows, { type: "parquet" });
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
    const read = await parquetReadObjects({ file, compressors });
    expect(
      read.map((row) => row["value"] ?? null),
      type,
    ).toEqual(type === "bool" ? expected.map((cell) => (cell === null ? null : Boolean(cell))) : expected);
  }
});

it("without a checkpoint, a new run takes the place of the parts of its own earlier runs only", async () => {
  await using folder = await temporaryFolder();
  const run = async (operatorId: string, epochCount: number): Promise<void> => {
    const context = operatorContext({ directory: folder.path, formats: [csv], operatorId, durable: false });
    const sink = files.create(files.config.parse({ url: "out", format: { type: "csv" } }), context);
    await sink.open?.();
    for (let id = 0; id < epochCount; id++) {
      const staged = await sink.stage(streamOf([typedRows("int32")]), epochOf(id), {});
      await sink.publish(staged!, epochOf(id));
    }
  };
  await run("first", 3);
  await run("second", 1);
  await run("first", 1);
  expect(await folder.files()).toEqual([
    "out/part-0000000000-00000-p-first.csv",
    "out/part-0000000000-00000-p-second.csv",
  ]);
});

it("refuses to put other rows in the place of a file of another history", async () => {
  await using folder = await temporaryFolder();
  const context = operatorContext({ directory: folder.path, formats: [csv] });
  const publish = async (type: string): Promise<void> => {
    const sink = files.create(files.config.parse({ url: "out", format: { type: "csv" } }), context);
    await sink.open?.();
    const staged = await sink.stage(streamOf([typedRows(type)]), epochOf(), {});
    await sink.publish(staged!, epochOf());
  };
  await publish("int32");
  await expect(publish("utf8")).rejects.toMatchObject({ code: "output-conflict" });
  await publish("int32");
});

it("refuses a place that is no folder of this machine, and a format that cannot write, by their places", async () => {
  const config = files.config.parse({ url: "s3://bucket/out", format: { type: "csv" } });
  expect(() => files.create(config, operatorContext({ directory: "." }))).toThrow(
    expect.objectContaining({ problems: [expect.objectContaining({ code: "unsupported-url", pointer: "/url" })] }),
  );
  const readOnly = files.config.parse({ url: "out", format: { type: "lines" } });
  const context = planContext({ directory: ".", formats: [linesFormat().definition] });
  await expect(files.accept!({}, readOnly, context)).rejects.toMatchObject({
    problems: [{ code: "format-not-writable", pointer: "/format/type" }],
  });
});
