import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { registry } from "@sferic/catalog";
import { runPipeline } from "@sferic/engine";
import { temporaryFolder } from "@sferic/testkit";
import { expect, test } from "vitest";

/** Pipelines and sinks that would have the same name if hyphens joined them. */
const owners = [
  ["a", "b-c-d"],
  ["a-b", "c-d"],
  ["a-b-c", "d"],
  ["a", "b--c-d"],
  ["a-", "b-c-d"],
] as const;

/** Runs a pipeline of four rows and two epochs. */
function run(folder: string, [name, id]: readonly [string, string], sink: object, checkpoint: string | null) {
  const spec = {
    name,
    sources: { g: { type: "generate", rows: 4, rowsPerEpoch: 2, columns: { i: "index", k: "index % 2" } } },
    sinks: { [id]: { type: "files", from: "g", url: "./o/", format: { type: "json" }, ...sink } },
    run: { trigger: "available-now", ...(checkpoint === null ? {} : { checkpoint }) },
  };
  return runPipeline(spec, { registry, baseDirectory: folder });
}

async function valuesIn(folder: string): Promise<number[]> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => /part-[^/]*\.json$/.test(name));
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
  const rows = texts.flatMap((text) => text.trimEnd().split("\n"));
  return rows.map((row) => (JSON.parse(row) as { i: number }).i).toSorted((a, b) => a - b);
}

test.each([
  ["no checkpoint", {}, false],
  ["no checkpoint, in folders by a column", { partitionBy: ["k"] }, false],
  ["checkpoints of their own", {}, true],
])("sinks whose names meet in their hyphens keep their rows in one folder, with %s", async (_, sink, isDurable) => {
  await using folder = await temporaryFolder();
  for (let round = 0; round < 2; round++) {
    for (const [index, owner] of owners.entries()) {
      const result = await run(folder.path, owner, sink, isDurable ? `./check-${index}` : null);
      expect(result).toMatchObject({ state: "succeeded" });
    }
  }
  expect(await valuesIn(folder.file("o"))).toEqual([0, 1, 2, 3].flatMap((i) => owners.map(() => i)));
});
