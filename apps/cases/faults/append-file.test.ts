import { readFile, rm, truncate, writeFile } from "node:fs/promises";
import { registry } from "@sferic/catalog";
import { runPipeline, type RunResult } from "@sferic/engine";
import { temporaryFolder } from "@sferic/testkit";
import { expect, test } from "vitest";

/** Runs a pipeline of `rows` rows, five an epoch, that appends to `o.csv`. */
function run(folder: string, rows: number, sink: object = {}): Promise<RunResult> {
  const spec = {
    name: "grows",
    sources: { g: { type: "generate", rows, rowsPerEpoch: 5, columns: { i: "index" } } },
    sinks: { s: { type: "files", from: "g", url: "./o.csv", format: { type: "csv" }, write: "append", ...sink } },
    run: { trigger: "available-now", checkpoint: "./check" },
  };
  return runPipeline(spec, { registry, baseDirectory: folder });
}

const text = (rows: number): string => `i\n${Array.from({ length: rows }, (_, index) => `${index}\n`).join("")}`;

test.each<[string, (path: string) => Promise<void>, string]>([
  ["was replaced by a shorter one", (path) => writeFile(path, "i\n5\n"), "output-conflict"],
  ["lost its end", (path) => truncate(path, 12), "output-conflict"],
  ["was replaced by one of the same length", (path) => writeFile(path, text(10).replace("8", "3")), "output-conflict"],
  ["was replaced by a longer one", (path) => writeFile(path, text(10).replace("5\n", "x\ny\nz\n")), "output-conflict"],
  ["was emptied", (path) => truncate(path, 0), "output-missing"],
  ["is gone", (path) => rm(path), "output-missing"],
])("no rows are appended to a file that %s", async (_, spoil, code) => {
  await using folder = await temporaryFolder();
  const path = folder.file("o.csv");
  expect(await run(folder.path, 10)).toMatchObject({ state: "succeeded" });
  await spoil(path);
  const before = await readFile(path, "utf8").catch(() => null);
  expect((await run(folder.path, 15)).error).toMatchObject({ code, operatorId: "s" });
  expect(await readFile(path, "utf8").catch(() => null)).toBe(before);
});

test("what others have added behind the rows stays, and an emptied file may be begun again", async () => {
  await using folder = await temporaryFolder();
  await run(folder.path, 10);
  const path = folder.file("o.csv");
  await writeFile(path, `${text(10)}99\n`);
  expect(await run(folder.path, 11)).toMatchObject({ state: "succeeded" });
  expect(await readFile(path, "utf8")).toBe(`${text(10)}99\n10\n`);
  await truncate(path, 0);
  expect(await run(folder.path, 12, { onMissingOutput: "start-over" })).toMatchObject({ state: "succeeded" });
  expect(await readFile(path, "utf8")).toBe("i\n11\n");
});
