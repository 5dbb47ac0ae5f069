import { mkdir, mkdtemp, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { prepareDemoFolder } from "./demo-folder.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sferic-demo-"));
});

test("what an earlier demo wrote goes, everything else stays", async () => {
  const out = join(folder, "new/demo");
  await prepareDemoFolder(out);
  await mkdir(join(out, "csv"));
  await mkdir(join(out, ".checkpoint/offsets"), { recursive: true });
  const own = ["report.html", "lightning.duckdb", "csv/part-0000000000-00000-lightning-stream-csv.csv"];
  const others = ["notes.txt", "csv/mine.csv", "csv/part-0000000000-00000-other-csv.csv"];
  for (const name of [...own, ...others]) await writeFile(join(out, name), "");
  await prepareDemoFolder(out);
  const left = await readdir(out, { recursive: true });
  expect(left.toSorted()).toEqual([".gitignore", ".sferic-demo", "csv", ...others].toSorted());
});

test("a folder with other files is not touched", async () => {
  await writeFile(join(folder, "report.html"), "mine");
  await expect(prepareDemoFolder(folder)).rejects.toMatchObject({ code: "usage" });
  expect(await readdir(folder)).toEqual(["report.html"]);
});

test("a file is no folder", async () => {
  await writeFile(join(folder, "file"), "");
  await expect(prepareDemoFolder(join(folder, "file"))).rejects.toMatchObject({ code: "usage" });
});
