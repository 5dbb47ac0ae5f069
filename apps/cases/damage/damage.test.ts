import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { RunResult } from "@sferic/engine";
import { type Dataset, File, ready } from "h5wasm/node";
import { afterEach, beforeEach, expect, test } from "vitest";
import { flashCount, granules, lightningIn, visibleRows } from "../kill/lightning.ts";
import { runChild } from "../kill/run-child.ts";
import { lettersIn } from "./letters.ts";

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

/** One run in a process of its own, whose memory is its own too. */
async function run(): Promise<RunResult> {
  const { result, code, stderr } = await runChild([await lightningIn(folder, { granules: input, trigger: "once" })]);
  expect(code, stderr).toBe(0);
  expect(result!.peakMemoryBytes).toBeLessThan(1024 ** 3);
  return result!;
}

function letters(result: RunResult): Promise<{ name: string; reason: string }[]> {
  return lettersIn(result.deadLetters);
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
  expect(result.operators["flashes"]).toMatchObject({ rowsOut: flashCount, invalid: Object.keys(bad).length });
  const told = await letters(result);
  expect(told.map(({ name }) => name).toSorted()).toEqual(Object.keys(bad).toSorted());
  expect(told.every(({ reason }) => reason.length > 10)).toBe(true);
  expect(Object.values(await visibleRows(folder)).map((rows) => rows.length)).toEqual([
    flashCount,
    flashCount,
    flashCount,
  ]);
});

test("HDF5 files that are no granules, and granules that claim to be enormous, are told and cost no memory", async () => {
  await ready;
  const other = new File(join(input, "bad-other.nc"), "w");
  other.create_dataset({ name: "temperature", data: [1, 2, 3] });
  other.close();
  const lengths = { million: 10 ** 7, giga: 2 ** 31, tera: 2 ** 40, exa: 2 ** 60 };
  for (const [name, length] of Object.entries(lengths)) await growFlashes(`bad-${name}.nc`, length);
  const result = await run();
  expect(result.operators["flashes"]).toMatchObject({ rowsOut: flashCount, invalid: 5 });
  const reasons = Object.fromEntries((await letters(result)).map(({ name, reason }) => [name, reason]));
  expect(reasons).toEqual({
    "bad-other.nc": expect.stringContaining('"flash_id" is not in the file'),
    "bad-million.nc": expect.stringContaining("bytes is 880000000, the limit"),
    "bad-giga.nc": expect.stringContaining("the limit"),
    "bad-tera.nc": expect.stringContaining("the limit"),
    "bad-exa.nc": expect.stringContaining("the limit"),
  });
  expect(Object.values(await visibleRows(folder)).map((rows) => rows.length)).toEqual([
    flashCount,
    flashCount,
    flashCount,
  ]);
});

test("many granules that claim as much as one may are read one at a time", async () => {
  const [copies, claimed] = [12, 2_900_000];
  await ready;
  for (let copy = 0; copy < copies; copy++) await growFlashes(`large-${copy}.nc`, claimed);
  const spec = {
    name: "large-claims",
    sources: { flashes: { type: "files", url: `${input}/*.nc`, format: { type: "glm" } } },
    transforms: { present: { type: "filter", from: "flashes", where: "flash_id IS NOT NULL AND satellite = 'none'" } },
    sinks: { csv: { type: "files", from: "present", url: `${folder}/out/`, format: { type: "csv" } } },
  };
  await writeFile(join(folder, "large.json"), JSON.stringify(spec));
  const { result, code, stderr } = await runChild([join(folder, "large.json")]);
  expect(code, stderr).toBe(0);
  expect(result!.rows.read).toBeGreaterThan(copies * claimed);
  expect(result!.peakMemoryBytes).toBeLessThan(1024 ** 3);
});

/** A granule in which every variable of the flashes has been given another length; nothing is stored for the new part. */
async function growFlashes(name: string, length: number): Promise<void> {
  await cp(join(granules, good[0]!), join(input, name));
  const file = new File(join(input, name), "a");
  const datasets = file.keys().map((key) => file.get(key) as Dataset);
  const [flashes] = (file.get("flash_id") as Dataset).shape!;
  for (const dataset of datasets) if (dataset.shape?.[0] === flashes) dataset.resize([length]);
  file.close();
}

test("folders and dangling links with a granule's name are no files", async () => {
  await mkdir(join(input, "folder.nc"));
  await symlink(join(folder, "nowhere"), join(input, "link.nc"));
  expect((await run()).operators["flashes"]).toMatchObject({ rowsOut: flashCount, invalid: 0 });
});

test.each([
  [40, 20],
  [400, 1],
])(
  "%i granules with %i turned bits decode or are told; the good ones give exactly their rows",
  async (copies, bits) => {
    const granule = await readFile(join(input, good[0]!));
    const undisturbed = await csvRows();
    for (let copy = 0; copy < copies; copy++) {
      const turned = Buffer.from(granule);
      for (let flip = 1; flip <= bits; flip++)
        turned[(copy * 7919 + flip * 104_729) % turned.length]! ^= 1 << ((copy + flip) % 8);
      await writeFile(join(input, `turned-${copy}.nc`), turned);
    }
    const left = new Map<string, number>();
    for (const row of await csvRows()) left.set(row, (left.get(row) ?? 0) + 1);
    for (const row of undisturbed) left.set(row, (left.get(row) ?? 0) - 1);
    expect([...left].filter(([, count]) => count < 0)).toEqual([]);
  },
);

/** Rows of a run with outputs of its own; every file of the input is decoded or told. */
async function csvRows(): Promise<string[]> {
  const result = await run();
  const { csv } = await visibleRows(folder);
  expect(csv.length).toBe(result.rows.read);
  const told = result.rows.invalid === 0 ? [] : await letters(result);
  expect(told.length).toBe(result.rows.invalid);
  await rm(join(folder, "out"), { recursive: true });
  return csv;
}
