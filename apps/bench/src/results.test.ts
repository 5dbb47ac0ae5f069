import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { ScenarioResult } from "./measure.ts";
import { newest, saveResults } from "./results.ts";
import { result } from "./testing/result.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "bench-results-"));
});
afterEach(() => rm(directory, { recursive: true }));

const file = "results/2026-11-21-some-cpu-3-ghz-2-cores.json";

async function saved(path: string): Promise<ScenarioResult[]> {
  return JSON.parse(await readFile(join(directory, path), "utf8")) as ScenarioResult[];
}

it("keeps what another run of the day measured, and replaces what it measured again", async () => {
  await saveResults([result({ loadBefore: 1 }), result({ name: "sweep-20k" })], directory);
  const again = result({ loadBefore: 2, finished: "2026-11-21T13:00:00.000Z" });
  expect(await saveResults([again], directory)).toEqual([file, "RESULTS.md"]);
  const outcomes = await saved(file);
  expect(outcomes.map(({ name, loadBefore }) => [name, loadBefore])).toEqual([
    ["kmeans-1m", 2],
    ["sweep-20k", 0.25],
  ]);
});

it("shows the newest of several days on the page", async () => {
  await saveResults([result(), result({ name: "sweep-20k" })], directory);
  await saveResults([result({ finished: "2026-12-01T00:00:00.000Z", loadBefore: 3.75 })], directory);
  const page = await readFile(join(directory, "RESULTS.md"), "utf8");
  expect(page).toContain("load 3.75");
  expect(page.match(/^## .+$/gm)).toEqual(["## kmeans-1m", "## sweep-20k"]);
});

it("writes nothing for quick runs", async () => {
  expect(await saveResults([result({ size: "quick" })], directory)).toEqual([]);
  expect(await readdir(directory)).toEqual([]);
});

it("forgets scenarios that no longer exist", () => {
  expect(newest([result({ name: "gone" })])).toEqual([]);
});
