import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { openDelta } from "@sferic/bindings/delta";
import { compactDelta, vacuumDelta } from "@sferic/bindings/delta-keep";
import { registry } from "@sferic/catalog";
import { runPipeline } from "@sferic/engine";
import { temporaryFolder } from "@sferic/testkit";
import { expect, test } from "vitest";

const zeros = join(import.meta.dirname, "delta-zeros");

test("the bounds of a file in the log stand for both zeros", async () => {
  await using folder = await temporaryFolder();
  const file = (name: string) => ({ type: "files", url: join(zeros, name), format: { type: "parquet" } });
  const sinks = {
    m: { type: "delta", from: "minus", url: "./minus" },
    p: { type: "delta", from: "plus", url: "./plus" },
  };
  const sources = { minus: file("minus.parquet"), plus: file("plus.parquet") };
  await runPipeline({ name: "zeros", sources, sinks }, { registry, baseDirectory: folder.path });
  const stats = async (table: string): Promise<unknown> => {
    const log = folder.file(`${table}/_delta_log`);
    const names = (await readdir(log)).filter((name) => name.endsWith(".json"));
    const lines = (await Promise.all(names.map((name) => readFile(join(log, name), "utf8")))).join("").split("\n");
    const added = lines.filter((line) => line.includes('"add"')).map((line) => JSON.parse(line));
    const { minValues, maxValues } = JSON.parse(added[0].add.stats);
    return [minValues.f, maxValues.f];
  };
  expect(await stats("minus")).toEqual([-1, 0]);
  expect(await stats("plus")).toEqual([-0, 1]);
});

test.each(["a%20b", "100%", "a b", "ü λ", "back\\slash", "q?x#y", "[1]{2}^"])(
  "a table in the folder %j is written, read and kept in order",
  async (name) => {
    await using folder = await temporaryFolder();
    const table = join(folder.path, name, "t");
    await mkdir(join(folder.path, name));
    const texts = ["%41", "a b", "ü/ö", "x=y", "back\\slash", "q?x#y", "A"];
    const columns = { n: "index", p: `[${texts.map((text) => `'${text}'`).join(", ")}][1 + index % 7]` };
    const write = {
      name: "write",
      sources: { g: { type: "generate", rows: 14, columns } },
      sinks: { t: { type: "delta", from: "g", url: table, partitionBy: ["p"] } },
    };
    for (let run = 0; run < 2; run += 1) {
      expect(await runPipeline(write, { registry, baseDirectory: folder.path })).toMatchObject({ state: "succeeded" });
    }
    const compaction = {
      table,
      targetBytes: 1 << 20,
      tailOnly: false,
      compression: "zstd",
      name: "optimized",
    } as const;
    expect(await compactDelta(compaction, new AbortController().signal)).toMatchObject({
      removedFiles: 14,
      addedFiles: 7,
    });
    expect(await vacuumDelta({ table, retentionHours: 0, force: true, dryRun: false })).toMatchObject({
      files: { length: 14 },
    });
    expect(await openDelta(table, {})).toMatchObject({ version: 2 });
    const read = {
      name: "read",
      sources: { t: { type: "delta", url: table } },
      transforms: { c: { type: "aggregate", from: "t", groupBy: ["p"], measures: { n: "count(*)" } } },
      sinks: { o: { type: "files", from: "c", url: "./out/", format: { type: "json" } } },
    };
    expect(await runPipeline(read, { registry, baseDirectory: folder.path })).toMatchObject({ state: "succeeded" });
    const parts = (await readdir(folder.file("out"))).filter((part) => part.endsWith(".json"));
    const lines = (await Promise.all(parts.map((part) => readFile(folder.file(`out/${part}`), "utf8")))).join("");
    const rows = lines
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { readonly p: string; readonly n: number });
    expect(rows.map(({ p }) => p).toSorted()).toEqual(texts.toSorted());
    expect(rows.every(({ n }) => n === 4)).toBe(true);
  },
);
