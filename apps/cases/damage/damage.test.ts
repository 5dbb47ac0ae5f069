import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { registry } from "@sferic/catalog";
import { type RunResult, runPipeline } from "@sferic/engine";
import { afterEach, beforeEach, expect, test } from "vitest";
import { granules, lightningIn, visibleRows } from "../kill/lightning.ts";

/** Rows that the seven good granules have together. */
const goodRows = 1303;

let folder: string;
let input: string;
let good: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sferic-damage-"));
  input = join(folder, "input");
  await mkdir(input);
  good = (await readdir(granules)).filter((name) => name.endsWith(".nc"));
  for (const name of good) await cp(join(granules, name), join(input, name));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function run(): Promise<RunResult> {
  const file = await lightningIn(folder);
  const parameters = { granules: input };
  const result = await runPipeline(await readFile(file, "utf8"), { registry, file, parameters, trigger: "once" });
  expect(result.state, result.error?.message).toBe("succeeded");
  return result;
}

async function letters(result: RunResult): Promise<{ name: string; reason: string }[]> {
  const text = await Promise.all(result.deadLetters.map((path) => readFile(path, "utf8")));
  const lines = text.join("").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as { name: string; reason: string });
}

test("files that are no granules give no rows and a dead letter each; the good ones give theirs", async () => {
  const granule = await readFile(join(input, good[0]!));
  const bad: Record<string, Uint8Array> = {
    "bad-empty.nc": Buffer.alloc(0),
    "bad-text.nc": Buffer.from("Not a granule.\n".repeat(100)),
    "bad-png.nc": Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]), Buffer.alloc(500)]),
    "bad-gzip.nc": gzipSync(granule),
    "bad-signature-only.nc": granule.subarray(0, 8),
  };
  for (const share of [0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99]) {
    bad[`bad-cut-${share}.nc`] = granule.subarray(0, Math.floor(granule.length * share));
  }
  for (const [name, bytes] of Object.entries(bad)) await writeFile(join(input, name), bytes);
  const result = await run();
  expect(result.operators["flashes"]).toMatchObject({ rowsOut: goodRows, invalid: Object.keys(bad).length });
  const told = await letters(result);
  expect(told.map(({ name }) => name).toSorted()).toEqual(Object.keys(bad).toSorted());
  expect(told.every(({ reason }) => reason.length > 10)).toBe(true);
  expect(Object.values(await visibleRows(folder)).map((rows) => rows.length)).toEqual([goodRows, goodRows, goodRows]);
  expect(result.peakMemoryBytes).toBeLessThan(1024 ** 3);
});

test("folders and dangling links with a granule's name are no files", async () => {
  await mkdir(join(input, "folder.nc"));
  await symlink(join(folder, "nowhere"), join(input, "link.nc"));
  expect((await run()).operators["flashes"]).toMatchObject({ rowsOut: goodRows, invalid: 0 });
});

test("granules with turned bits decode or are told; the good ones give exactly their rows", async () => {
  const granule = await readFile(join(input, good[0]!));
  const undisturbed = (await visibleAfter(0)).csv;
  for (let copy = 0; copy < 40; copy++) {
    const turned = Buffer.from(granule);
    for (let flip = 1; flip <= 20; flip++) turned[(copy * 7919 + flip * 104_729) % turned.length]! ^= 1 << (flip % 8);
    await writeFile(join(input, `turned-${copy}.nc`), turned);
  }
  const left = [...(await visibleAfter(1)).csv];
  for (const row of undisturbed) {
    const index = left.indexOf(row);
    expect(index, row).toBeGreaterThanOrEqual(0);
    left.splice(index, 1);
  }
});

/** Rows of a run with outputs of its own. */
async function visibleAfter(attempt: number): Promise<Record<"csv", string[]>> {
  const result = await run();
  expect(result.peakMemoryBytes).toBeLessThan(1024 ** 3);
  const rows = await visibleRows(folder);
  await rm(join(folder, "out"), { recursive: true });
  expect(rows.csv.length, `attempt ${attempt}`).toBe(result.rows.read);
  return rows;
}
