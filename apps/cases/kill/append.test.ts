import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProtocolPoint } from "@sferic/engine";
import { isWhole } from "@sferic/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runChild } from "./run-child.ts";

const [fileCount, rowsPerFile] = [5, 400];
const everyRow = Array.from({ length: fileCount * rowsPerFile }, (_, row) => row);
const sinks = ["grown", "lines", "parts"];

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sferic-kill-append-"));
  await mkdir(join(root, "in"));
  for (let file = 0; file < fileCount; file++) {
    const rows = everyRow.slice(file * rowsPerFile, (file + 1) * rowsPerFile).map((n) => ({ n }));
    await writeFile(join(root, "in", `${file}.json`), JSON.stringify(rows));
  }
});

afterAll(() => rm(root, { recursive: true, force: true }));

/** One CSV file and one of JSON lines that grow, and parts of JSON arrays. */
async function specIn(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const json = { type: "json", layout: "array", schema: { n: "int32" } };
  const spec = {
    name: "growing",
    sources: { rows: { type: "files", url: join(root, "in"), filesPerEpoch: 1, format: json } },
    sinks: {
      grown: { type: "files", from: "rows", url: "out/grown.csv", write: "append", format: { type: "csv" } },
      lines: { type: "files", from: "rows", url: "out/lines.json", write: "append", format: { type: "json" } },
      parts: { type: "files", from: "rows", url: "out/parts/", format: { type: "json", layout: "array" } },
    },
    run: { trigger: "available-now", checkpoint: "check" },
  };
  const file = join(folder, "pipeline.json");
  await writeFile(file, JSON.stringify(spec));
  return file;
}

/** The rows that every output holds, in the order of their files; duplicates stay. */
async function rowsIn(folder: string): Promise<Record<string, number[]>> {
  const out = join(folder, "out");
  const grown = (await readFile(join(out, "grown.csv"), "utf8")).trimEnd().split("\n");
  const lines = (await readFile(join(out, "lines.json"), "utf8")).trimEnd().split("\n");
  const names = (await readdir(join(out, "parts"))).filter((name) => !name.startsWith(".")).toSorted();
  const parts = await Promise.all(names.map((name) => readFile(join(out, "parts", name), "utf8")));
  const numbers = (rows: unknown): number[] => (rows as { n: number }[]).map(({ n }) => n);
  expect(grown.shift()).toBe("n");
  return {
    grown: grown.map(Number),
    lines: numbers(lines.map((line) => JSON.parse(line) as unknown)),
    parts: parts.flatMap((text) => numbers(JSON.parse(text))),
  };
}

async function expectWhole(folder: string): Promise<void> {
  expect(await rowsIn(folder)).toEqual(Object.fromEntries(sinks.map((sink) => [sink, everyRow])));
  const names = (await readdir(join(folder, "out"))).filter((name) => !name.startsWith(".sferic-token."));
  expect(names.toSorted()).toEqual(["grown.csv", "lines.json", "parts"]);
}

const steps: [ProtocolPoint, string?][] = [
  ["planned"],
  ["intent"],
  ["staged"],
  ["prepared"],
  ...sinks.map((sink): [ProtocolPoint, string] => ["published", sink]),
  ["all-published"],
  ["committed"],
  ["acknowledged"],
  ["cleaned"],
];

test.each(steps)("killed at %s %s, files that grow hold every row once, in order", async (point, sink) => {
  const folder = join(root, `${point}-${sink ?? ""}`);
  const spec = await specIn(folder);
  const ending = await runChild([spec, "2", point, ...(sink === undefined ? [] : [sink])]);
  expect(ending.killed, ending.stderr).toBe(true);
  expect(await runChild([spec])).toMatchObject({ killed: false, code: 0, stderr: "" });
  await expectWhole(folder);
});

test("killed in one epoch after the other at the same step, one run after the other", async () => {
  const folder = join(root, "again");
  const spec = await specIn(folder);
  for (let epoch = 0; epoch < fileCount; epoch += isWhole ? 1 : 2) {
    for (const [point, sink] of [["prepared"], ["published", "grown"], ["committed"]] as const) {
      const ending = await runChild([spec, String(epoch), point, ...(sink === undefined ? [] : [sink])]);
      expect(ending.killed, ending.stderr).toBe(true);
    }
  }
  expect(await runChild([spec])).toMatchObject({ killed: false, code: 0, stderr: "" });
  await expectWhole(folder);
});
