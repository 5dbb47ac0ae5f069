import { glob, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { registry } from "@sferic/catalog";
import { runPipeline } from "@sferic/engine";
import { expect, onTestFinished, test } from "vitest";

const template = join(import.meta.dirname, "../../cli/templates/satellite-samples/pipeline.json");

type Columns = Readonly<Record<string, readonly number[]>>;

/** Columns of the only CSV file of each satellite. */
async function samples(parameters: Readonly<Record<string, string>>): Promise<Map<string, Columns>> {
  const folder = await mkdtemp(join(tmpdir(), "sferic-satellites-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const spec = JSON.parse(await readFile(template, "utf8")) as object;
  const { state, error } = await runPipeline(spec, { file: join(folder, "samples.json"), registry, parameters });
  expect({ state, error }).toEqual({ state: "succeeded", error: undefined });
  const found = new Map<string, Columns>();
  for await (const path of glob("data/samples/satellite_name=*/*.csv", { cwd: folder })) {
    const [header, ...lines] = (await readFile(join(folder, path), "utf8")).trimEnd().split("\n");
    const rows = lines.map((line) => line.split(",").map(Number));
    const names = header!.split(",");
    const [, satellite] = /satellite_name=([^/]+)/.exec(path)!;
    expect(found.has(satellite!)).toBe(false);
    found.set(satellite!, Object.fromEntries(names.map((name, index) => [name, rows.map((row) => row[index]!)])));
  }
  return found;
}

const small = { rows: "2000", samples: "100" };

/** What the signals of a satellite are scaled to; the altitude is left as it was drawn. */
const ranges = {
  temp_c: [-100, 120],
  battery_charge_pct: [0, 100],
  sensor1: [0, 1],
  sensor2: [0, 1],
  sensor3: [0, 1],
} as const;

test("every satellite has its samples in order, each signal from its least to its greatest value", async () => {
  const found = await samples(small);
  expect([...found.keys()].toSorted()).toEqual(Array.from({ length: 20 }, (_, index) => `sat${index}`).toSorted());
  for (const columns of found.values()) {
    expect(columns["sample"]).toEqual(Array.from({ length: 100 }, (_, index) => index));
    for (const [name, range] of Object.entries(ranges)) {
      expect([Math.min(...columns[name]!), Math.max(...columns[name]!)], name).toEqual(range);
    }
    expect(Math.min(...columns["altitude"]!)).toBeGreaterThanOrEqual(160);
    expect(Math.max(...columns["altitude"]!)).toBeLessThanOrEqual(2000);
  }
});

test("sensors follow a wave, and altitudes follow nothing", async () => {
  const found = [...(await samples({ rows: "20000", samples: "1000" })).values()];
  const mean = (name: string): number =>
    found.reduce((sum, columns) => sum + likenessToNext(columns[name]!), 0) / found.length;
  // A sine of 1 has a variance of 0.5, its noise one of 0.01: the likeness is 0.98 less what a wave moves in one sample.
  for (const name of ["sensor1", "sensor2", "sensor3"]) expect(mean(name), name).toBeGreaterThan(0.9);
  expect(Math.abs(mean("altitude"))).toBeLessThan(0.05);
});

test("the same seed gives the same rows, another one gives others", async () => {
  const [first, again, other] = [await samples(small), await samples(small), await samples({ ...small, seed: "89" })];
  expect(again).toEqual(first);
  for (const [satellite, columns] of first) expect(other.get(satellite)).not.toEqual(columns);
});

/** Correlation of the values with those that follow them. */
function likenessToNext(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const from = values.map((value) => value - mean);
  const together = from.slice(1).reduce((sum, value, index) => sum + value * from[index]!, 0);
  return together / from.reduce((sum, value) => sum + value * value, 0);
}
