import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunResult } from "@sferic/engine";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runChild } from "../kill/run-child.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sferic-json-damage-"));
  await mkdir(join(folder, "in"));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const good = '{"n":1,"text":"a","at":"2026-01-01T00:00:00Z"}\n{"n":2,"text":"b","at":"2026-01-01T00:00:01Z"}\n';

async function run(
  layout: "lines" | "array" = "lines",
): Promise<{ result: RunResult; reasons: Record<string, string> }> {
  const schema = { n: "int32", text: "utf8", at: "timestamp" };
  const spec = {
    name: "damaged",
    sources: { rows: { type: "files", url: "in/", filesPerEpoch: 2, format: { type: "json", layout, schema } } },
    sinks: { out: { type: "files", from: "rows", url: "out/", format: { type: "json" } } },
    run: { trigger: "available-now", checkpoint: "check" },
  };
  const file = join(folder, "pipeline.json");
  await writeFile(file, JSON.stringify(spec));
  const { result, code, stderr } = await runChild([file]);
  expect(code, stderr).toBe(0);
  expect(result!.peakMemoryBytes).toBeLessThan(768 * 1024 ** 2);
  const letters = (await Promise.all(result!.deadLetters.map((path) => readFile(path, "utf8")))).join("").split("\n");
  const told = letters
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { name: string; reason: string });
  return { result: result!, reasons: Object.fromEntries(told.map(({ name, reason }) => [name, reason])) };
}

async function put(files: Record<string, string | Uint8Array>): Promise<void> {
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, "in", name), content);
}

async function written(): Promise<{ n: number; text: string }[]> {
  const names = await readdir(join(folder, "out"));
  const texts = await Promise.all(names.toSorted().map((name) => readFile(join(folder, "out", name), "utf8")));
  return texts
    .join("")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { n: number; text: string });
}

test("lines that are half written, not JSON or of wrong types are told with the reason; all others are rows", async () => {
  await put({
    "a-good.json": good,
    "b-half.json": good.slice(0, -20),
    "c-text.json": "This is not JSON.\n",
    "d-type.json": '{"n":"many","text":"a","at":"2026-01-01T00:00:00Z"}\n',
    "e-time.json": '{"n":1,"text":"a","at":"yesterday"}\n',
    "f-big.json": '{"n":3000000000,"text":"a","at":"2026-01-01T00:00:00Z"}\n',
    "g-nested.json": '{"n":{"n":1},"text":"a","at":"2026-01-01T00:00:00Z"}\n',
    "h-bytes.json": Uint8Array.from({ length: 1000 }, (_, byte) => (byte * 7 + 128) % 256),
    "i-empty.json": "",
    "j-deep.json": `{"n":${"[".repeat(100_000)}\n`,
    "k-good.json": good,
  });
  const { result, reasons } = await run();
  // The bytes are five lines.
  expect(result).toMatchObject({ state: "succeeded", epochs: 6, rows: { read: 5, written: 5, invalid: 12 } });
  expect((await written()).map(({ n }) => n)).toEqual([1, 2, 1, 1, 2]);
  expect(reasons).toEqual({
    "b-half.json": expect.stringContaining("line 2, character 28: a string is not closed"),
    "c-text.json": expect.stringContaining("line 1, character 1: an object is missing"),
    "d-type.json": expect.stringContaining("n is not a value of type Int32"),
    "e-time.json": expect.stringContaining("at is not a time"),
    "f-big.json": expect.stringContaining("n is not a value of type Int32: 3000000000"),
    "g-nested.json": expect.stringContaining("n is not a value of type Int32"),
    "h-bytes.json": expect.stringContaining("an object is missing"),
    "j-deep.json": expect.stringContaining("nested too deeply"),
  });
});

test("an array that is half written or no array gives no rows and is told once", async () => {
  const array = JSON.stringify(
    good
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown),
  );
  await put({ "a-good.json": array, "b-half.json": array.slice(0, -20), "c-lines.json": good, "d-empty.json": "" });
  const { result, reasons } = await run("array");
  expect(Object.keys(reasons).toSorted()).toEqual(["b-half.json", "c-lines.json"]);
  expect(result.rows).toMatchObject({ read: 2, written: 2, invalid: 2 });
});

test("a line of a million characters is a row like any other", async () => {
  const text = "x".repeat(1_000_000);
  await put({ "a.json": `${good}{"n":3,"text":"${text}","at":"2026-01-01T00:00:02Z"}\n`, "b.json": good });
  const { result, reasons } = await run();
  expect(reasons).toEqual({});
  expect(result.rows).toMatchObject({ read: 5, written: 5 });
  expect((await written()).find(({ n }) => n === 3)!.text).toBe(text);
});

test("ten billion zeros in a compressed file cost neither the memory nor the run", { timeout: 120_000 }, async () => {
  const bomb = join(folder, "in", "b-bomb.json.gz");
  // A gzip file may have many members; each of these is a gigabyte.
  const made = spawnSync("sh", [
    "-c",
    `head -c 1000000000 /dev/zero | gzip -1 > "$0.part"; for i in 0 1 2 3 4 5 6 7 8 9; do cat "$0.part"; done > "$0"; rm "$0.part"`,
    bomb,
  ]);
  expect(made.status).toBe(0);
  await put({ "a-good.json": good, "c-good.json": good });
  const { result, reasons } = await run();
  expect(reasons).toEqual({ "b-bomb.json.gz": expect.stringContaining("a row is longer than 16777216 bytes") });
  expect(result.rows).toMatchObject({ read: 4, written: 4, invalid: 1 });
});
