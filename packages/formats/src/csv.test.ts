import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { readFile } from "node:fs/promises";
import { isBatch } from "@sferic/operator";
import { describeFormat, fileAt, fileOf, sampleTypes, temporaryFolder, typedRows } from "@sferic/testkit";
import { describe, expect, it } from "vitest";
import { csv } from "./csv.ts";

describeFormat({
  definition: csv,
  types: sampleTypes.filter((type) => !/^(binary|time64|list|struct|dictionary)/.test(type)),
  readConfig: ({ columns }) => ({ schema: Object.fromEntries(columns.map(({ name, type }) => [name, type])) }),
  readsAnything: true,
  refusesRows: true,
});

describe("csv", () => {
  it("tells each bad row with its line and reads the others", async () => {
    const format = csv.create(csv.config.parse({ schema: { a: "int64", b: "utf8" } }));
    const file = fileOf("bad.csv", Buffer.from("a,b\n1,x\nno,y\n2\n3,z\n"));
    const found = await Array.fromAsync(format.decode!([file], new AbortController().signal));
    const rows = found.filter(isBatch);
    expect(rows.map(({ rowCount }) => rowCount)).toEqual([2]);
    for (const batch of rows) batch.close();
    const invalid = found.flatMap((item) => ("invalid" in item ? [item.invalid] : []));
    expect(invalid.map(({ name, position }) => [name, position])).toEqual([
      ["bad.csv", 3],
      ["bad.csv", 4],
    ]);
    expect(invalid[0]!.reason).toContain('"no" is not a value of type Int64');
  });

  it("reads the encoding that is declared", async () => {
    const format = csv.create(csv.config.parse({ encoding: "latin-1" }));
    const file = fileOf("latin.csv", Buffer.from("café\nüber\n", "latin1"));
    expect((await format.probe!(file))!.columns.map(({ name }) => name)).toEqual(["café"]);
  });

  it.each([
    ["gzip", "csv.gz", gunzipSync],
    ["zstd", "csv.zst", zstdDecompressSync],
  ] as const)("writes %s, which others unpack and it reads back", async (compression, ending, unpack) => {
    await using folder = await temporaryFolder();
    const format = csv.create(csv.config.parse({ compression }));
    expect(format.ending).toBe(ending);
    const rows = typedRows("int64");
    const writer = await format.createWriter!(folder.file("rows"), rows.schema);
    await writer.write(rows);
    await writer.finish();
    rows.close();
    expect(
      unpack(await readFile(folder.file("rows")))
        .toString()
        .split("\n")[0],
    ).toBe("row,value");
    const file = await fileAt(folder.file("rows"));
    const [batch] = await Array.fromAsync(format.decode!([file], new AbortController().signal));
    expect(isBatch(batch!) && batch.rowCount).toBe(5);
    if (isBatch(batch!)) batch.close();
  });
});
