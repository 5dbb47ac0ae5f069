import { mkdir, utimes, writeFile } from "node:fs/promises";
import { registry } from "@sferic/catalog";
import { runPipeline } from "@sferic/engine";
import { type TemporaryFolder, temporaryFolder } from "@sferic/testkit";
import { expect, test } from "vitest";

/** Ten rows a second apart for each of 40 files, whose names come in another order than their times. */
const fileCount = 40;
const rowsPerFile = 10;

const spec = {
  name: "clicks",
  sources: {
    rows: {
      type: "files",
      url: "./in/*.json",
      filesPerEpoch: 1,
      format: { type: "json", schema: { at: "timestamp" } },
      watermark: { column: "at", delay: "10 seconds" },
    },
  },
  transforms: {
    windows: {
      type: "aggregate",
      from: "rows",
      window: { column: "at", size: "30 seconds" },
      measures: { n: "count(*)" },
    },
  },
  sinks: { out: { type: "files", from: "windows", url: "./out/", format: { type: "json" } } },
  run: { trigger: "available-now", checkpoint: "./checkpoint" },
};

async function writeRows(folder: TemporaryFolder, name: string, index: number): Promise<string> {
  const path = folder.file(`in/${name}.json`);
  const times = Array.from({ length: rowsPerFile }, (_, row) => new Date((index * rowsPerFile + row) * 1000));
  await mkdir(folder.file("in"), { recursive: true });
  await writeFile(path, times.map((at) => `${JSON.stringify({ at: at.toISOString() })}\n`).join(""));
  return path;
}

async function lateRows(folder: TemporaryFolder): Promise<number> {
  const { state, epochs, rows } = await runPipeline(spec, { registry, baseDirectory: folder.path });
  expect({ state, read: rows.read }).toEqual({ state: "succeeded", read: fileCount * rowsPerFile });
  expect(epochs).toBeGreaterThanOrEqual(fileCount);
  return rows.late;
}

test("no row is late because of the names of files that were written one after another", async () => {
  await using folder = await temporaryFolder();
  for (let index = 0; index < fileCount; index++) await writeRows(folder, `file_${index}`, index);
  expect(await lateRows(folder)).toBe(0);
});

test("no row is late where files of two satellites lie in one folder", async () => {
  await using folder = await temporaryFolder();
  for (let index = 0; index < fileCount; index++) {
    const path = await writeRows(folder, `OR_GLM_G${16 + (index % 2)}_s${1000 + index}`, index);
    await utimes(path, index, index);
  }
  expect(await lateRows(folder)).toBe(0);
});
