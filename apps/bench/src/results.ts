import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { machineSlug } from "./machine.ts";
import type { ScenarioResult } from "./measure.ts";
import { home } from "./places.ts";
import { scenarios } from "./scenarios/index.ts";
import { markdown } from "./tables.ts";

const page = "RESULTS.md";

/**
 * Adds outcomes of full runs to `results/<date>-<machine>.json`, in place of those that it has of the same scenarios, and
 * writes RESULTS.md anew from all such files. Resolves to the paths written, from `directory`.
 */
export async function saveResults(outcomes: readonly ScenarioResult[], directory: string = home): Promise<string[]> {
  const full = outcomes.filter(({ size }) => size === "full");
  const { machine, finished } = full[0] ?? {};
  if (machine === undefined || finished === undefined) return [];
  const folder = join(directory, "results");
  await mkdir(folder, { recursive: true });
  const file = `${finished.slice(0, 10)}-${machineSlug(machine)}.json`;
  const earlier = await readResults(folder, [file]);
  await writeFile(join(folder, file), `${JSON.stringify(newest([...earlier, ...full]), null, 2)}\n`);
  const everything = await readResults(folder, await readdir(folder));
  await writeFile(join(directory, page), `${markdown(newest(everything)).trimEnd()}\n`);
  return [join("results", file), page];
}

/** The last outcome of each scenario, in the order of the scenarios; of those that still exist. */
export function newest(outcomes: readonly ScenarioResult[]): ScenarioResult[] {
  const inTime = outcomes.toSorted((a, b) => a.finished.localeCompare(b.finished));
  return scenarios.flatMap(({ name }) => inTime.findLast((outcome) => outcome.name === name) ?? []);
}

async function readResults(folder: string, files: readonly string[]): Promise<ScenarioResult[]> {
  const names = new Set(await readdir(folder));
  const present = files.filter((file) => names.has(file) && file.endsWith(".json"));
  const texts = await Promise.all(present.map((file) => readFile(join(folder, file), "utf8")));
  return texts.flatMap((contents) => JSON.parse(contents) as ScenarioResult[]);
}
