import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspectCheckpoint } from "@sferic/engine";
import { afterAll, beforeAll, expect, test } from "vitest";
import { archive, filesBelow, unarchive } from "./archive.ts";
import { families, replay, run, runUntil, stops, writeInput } from "./families.ts";
import { type Outputs, outputsIn } from "./outputs.ts";

const fixtures = join(import.meta.dirname, "fixtures");
const version = process.env["SFERIC_CHECKPOINT_FIXTURES"];

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sferic-before-"));
});

afterAll(() => rm(root, { recursive: true, force: true }));

const undisturbed = new Map<string, Promise<Outputs>>();

/** What a family writes when nothing stops it. */
async function outputsOf(name: string): Promise<Outputs> {
  const folder = await mkdtemp(join(root, "whole-"));
  const family = families[name]!;
  await writeInput(folder, family);
  expect(await run(folder, { ...family, spec: family.whole ?? family.spec })).toMatchObject({ state: "succeeded" });
  return outputsIn(folder);
}

/** What sinks have staged next to their outputs, but for folders without a lineage in their name: others may need it. */
async function stagedIn(folder: string): Promise<string[]> {
  const names = await filesBelow(join(folder, "out")).catch(() => []);
  return names.filter((name) => /\.sferic-staging\/[^/]*-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\//.test(name));
}

const made = (await readdir(fixtures, { recursive: true })).filter((name) => name.endsWith(".br")).toSorted();

test.each(made)("a checkpoint that %s holds goes on", async (file) => {
  const [name] = /[^/]+(?=-(cleaned|prepared|all-published)\.json\.br$)/.exec(file)!;
  const family = families[name]!;
  const folder = await mkdtemp(join(root, "before-"));
  await unarchive(join(fixtures, file), folder);
  expect((await inspectCheckpoint(join(folder, "cp"))).findings).toEqual([]);
  expect(await run(folder, family)).toMatchObject({ state: "succeeded" });
  if (!undisturbed.has(name)) undisturbed.set(name, outputsOf(name));
  expect(await outputsIn(folder)).toEqual(await undisturbed.get(name));
  expect((await inspectCheckpoint(join(folder, "cp"))).findings).toEqual([]);
  expect(await stagedIn(folder)).toEqual([]);
  expect(await run(folder, family)).toMatchObject({ state: "succeeded", epochs: 0 });
  if (family.input === undefined) return;
  await writeInput(folder, family, true);
  expect((await replay(folder, family)).replayed.map((letter) => letter.name)).toEqual(["b.csv", "d.csv"]);
  expect(Object.values(await outputsIn(folder))).toEqual([["1,2\n", "3,4\n", "5,6\n", "7,8\n"]]);
});

test.skipIf(version === undefined)("makes fixtures with the code as it is, under the name of its version", async () => {
  await mkdir(join(fixtures, version!), { recursive: true });
  for (const [name, family] of Object.entries(families)) {
    for (const stop of stops) {
      const folder = await mkdtemp(join(root, "made-"));
      await writeInput(folder, family);
      await runUntil(folder, family, stop);
      await archive(folder, join(fixtures, version!, `${name}-${stop}.json.br`));
    }
  }
});
