import { cp, mkdir, readFile, rename, symlink, utimes, writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { registry } from "@sferic/catalog";
import { runPipeline, type RunOptions, type RunResult } from "@sferic/engine";
import { temporaryFolder } from "@sferic/testkit";
import { expect, test } from "vitest";

type Folder = Awaited<ReturnType<typeof temporaryFolder>>;

async function inputs(folder: Folder): Promise<void> {
  for (const [name, i] of Object.entries({ "a/x": 1, "b/x": 2, "b/c/y": 3, z: 4 })) {
    await mkdir(folder.file(`in/${name}`.replace(/\/[^/]*$/, "")), { recursive: true });
    await writeFile(folder.file(`in/${name}.csv`), `i\n${i}\n`);
    // They are taken in the order of their times, and then of their names.
    await utimes(folder.file(`in/${name}.csv`), 1, 1);
  }
  await symlink("in/b", folder.file("linked"));
}

function run(folder: string, url: string, options: RunOptions = {}): Promise<RunResult> {
  const spec = {
    name: "moves",
    sources: { s: { type: "files", url, filesPerEpoch: 1, format: { type: "csv" } } },
    sinks: { o: { type: "files", from: "s", url: "./o.csv", format: { type: "csv" }, write: "append" } },
    run: { trigger: "available-now", checkpoint: "./check" },
  };
  return runPipeline(spec, { registry, baseDirectory: folder, ...options });
}

async function values(folder: string): Promise<number[]> {
  const text = await readFile(`${folder}/o.csv`, "utf8");
  return text
    .trimEnd()
    .split("\n")
    .slice(1)
    .map(Number)
    .toSorted((a, b) => a - b);
}

test.each<[string[], number[]]>([
  [
    ["./in/a/*.csv", "./in/*/*.csv"],
    [1, 2],
  ],
  [
    ["./in/a/*.csv", "./in/b/*.csv"],
    [1, 2],
  ],
  [
    ["./in/a/", "./in/**/*.csv"],
    [1, 2, 3, 4],
  ],
  [
    ["./in/", "./in/a/x.csv"],
    [1, 2, 3, 4],
  ],
  [
    ["./in/a/x.csv", "./in/"],
    [1, 2, 3, 4],
  ],
  [
    ["./linked/*.csv", "./in/*/*.csv"],
    [1, 2],
  ],
  [
    ["./in/b/*.csv", "./linked/"],
    [2, 3],
  ],
  [
    ["./in/a/*.csv", "./in/b/*.csv", "./in/*/*.csv", "./in/**", "./in/b/"],
    [1, 2, 3, 4],
  ],
])("each file is read once, and none is skipped, when the url becomes %j", async (urls, expected) => {
  await using folder = await temporaryFolder();
  await inputs(folder);
  for (const url of urls) expect(await run(folder.path, url)).toMatchObject({ state: "succeeded" });
  expect(await values(folder.path)).toEqual(expected);
});

test("with an absolute path the names count, as spec, checkpoint and input may have been moved", async () => {
  await using folder = await temporaryFolder();
  await inputs(folder);
  for (const place of ["in/a", "in/b"]) await run(folder.path, pathToFileURL(folder.file(place)).href);
  expect(await values(folder.path)).toEqual([1, 3]);
});

test("the folder of the spec may be moved between two urls", async () => {
  await using folder = await temporaryFolder();
  await inputs(folder);
  await run(folder.path, "./in/b/");
  await using moved = await temporaryFolder();
  for (const name of ["in", "check", "o.csv"]) {
    await cp(folder.file(name), moved.file(name), { recursive: true, preserveTimestamps: true });
  }
  await cp(folder.file(".sferic-token.o.csv.moves.o"), moved.file(".sferic-token.o.csv.moves.o"));
  expect(await run(moved.path, "./in/**")).toMatchObject({ state: "succeeded" });
  expect(await values(moved.path)).toEqual([1, 2, 3, 4]);
});

test("a folder that was moved, and the url with it, is not read again", async () => {
  await using folder = await temporaryFolder();
  await inputs(folder);
  await run(folder.path, "./in/b/");
  await rename(folder.file("in/b"), folder.file("in/moved"));
  await writeFile(folder.file("in/moved/z.csv"), "i\n5\n");
  expect(await run(folder.path, "./in/moved/")).toMatchObject({ state: "succeeded" });
  expect(await values(folder.path)).toEqual([2, 3, 5]);
});

test("an epoch that was planned under another url is read as it was planned", async () => {
  await using folder = await temporaryFolder();
  await inputs(folder);
  const onEvent: RunOptions["onEvent"] = (event) => {
    if (event.type === "point" && event.point === "intent") throw new Error("stopped");
  };
  await run(folder.path, "./in/b/", { onEvent });
  expect(await run(folder.path, "./in/*/*.csv")).toMatchObject({ state: "succeeded" });
  expect(await values(folder.path)).toEqual([1, 2, 3]);
});
