import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { registry } from "@sferic/catalog";
import { runPipeline, type RunResult } from "@sferic/engine";
import { temporaryFolder } from "@sferic/testkit";
import { expect, test } from "vitest";

/** Runs a pipeline without a checkpoint, five rows an epoch. */
function run(folder: string, rows: number, sink: object = {}, first = 0): Promise<RunResult> {
  const spec = {
    name: "a",
    sources: { g: { type: "generate", rows, rowsPerEpoch: 5, columns: { i: "index", k: "index % 2" } } },
    transforms: { t: { type: "filter", from: "g", where: `i >= ${first}` } },
    sinks: { s: { type: "files", from: "t", url: "./o/", format: { type: "csv" }, ...sink } },
    run: { trigger: "available-now" },
  };
  return runPipeline(spec, { registry, baseDirectory: folder });
}

async function partsIn(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).filter((name) => /(^|\/)part-/.test(name)).toSorted();
}

test.each<[string, object, string]>([
  ["in the folder", {}, "part-0000000000-00000-a-s.csv"],
  ["of a later epoch", {}, "part-0000000007-00000-a-s.csv"],
  ["in a partition", { partitionBy: ["k"] }, "k=9/part-0000000000-00000-a-s.csv"],
])("a file with the name of a part that nobody of Sferic wrote is not replaced, %s", async (_, sink, name) => {
  await using folder = await temporaryFolder();
  const path = folder.file(`o/${name}`);
  for (const before of [false, true]) {
    if (before) expect(await run(folder.path, 10, sink)).toMatchObject({ state: "succeeded" });
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, "i\nuser\n");
    expect((await run(folder.path, 10, sink)).error).toMatchObject({ code: "output-conflict", operatorId: "s" });
    expect(await readFile(path, "utf8")).toBe("i\nuser\n");
    await rm(path);
  }
});

test("parts of earlier runs are replaced, also when the first epochs have no rows, and whatever is gone of them", async () => {
  await using folder = await temporaryFolder();
  const name = (epoch: number): string => `part-000000000${epoch}-00000-a-s.csv`;
  for (const [rows, first, expected] of [
    [15, 0, [0, 1, 2]],
    [10, 0, [0, 1]],
    [15, 10, [2]],
    [5, 0, [0]],
  ] as const) {
    expect(await run(folder.path, rows, {}, first)).toMatchObject({ state: "succeeded" });
    expect(await partsIn(folder.file("o"))).toEqual(expected.map(name));
  }
  await run(folder.path, 15);
  // As versions left it that listed no parts.
  await rm(folder.file("o/.sferic-parts.a.s"));
  expect(await run(folder.path, 15)).toMatchObject({ state: "succeeded" });
  await rm(folder.file(`o/${name(1)}`));
  expect(await run(folder.path, 10)).toMatchObject({ state: "succeeded" });
  expect(await partsIn(folder.file("o"))).toEqual([name(0), name(1)]);
});

test("a file that grows is begun again, also when the first epochs have no rows", async () => {
  await using folder = await temporaryFolder();
  const sink = { url: "./o.csv", write: "append" };
  await run(folder.path, 15, sink);
  expect(await run(folder.path, 15, sink, 13)).toMatchObject({ state: "succeeded" });
  expect(await readFile(folder.file("o.csv"), "utf8")).toBe("i,k\n13,1\n14,0\n");
});
