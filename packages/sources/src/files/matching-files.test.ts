import { globSync } from "node:fs";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { temporaryFolder } from "@sferic/testkit";
import { expect, test } from "vitest";
import { matchingFiles } from "./matching-files.ts";

const files = [
  "a.nc",
  "b.txt",
  "year=2018/month=1/day=1/part.nc",
  "year=2018/month=1/day=2/part.nc",
  "year=2018/month=10/day=1/part.txt",
  "year=2019/month=1/day=1/deep/er/part.nc",
  "odd [name]/x.nc",
];

const patterns = [
  "*",
  "*.nc",
  "**",
  "**/*",
  "**/*.nc",
  "year=*/month=1/**/*.nc",
  "year=2018/month=?/day=*/part.nc",
  "year=*/**/day=1/*",
  "*.{nc,txt}",
  "year=201[89]/*/*/*",
  "{year=2018/month=1,year=2019/month=1}/day=1/*",
  "none/*.nc",
  "linked/*/part.nc",
  "b.txt/*",
];

test.each(patterns)("finds with %s what the glob of Node finds", async (pattern) => {
  await using folder = await temporaryFolder();
  for (const file of files) {
    await mkdir(dirname(folder.file(file)), { recursive: true });
    await writeFile(folder.file(file), "");
  }
  await symlink(folder.file("year=2018/month=1"), folder.file("linked"));
  const isFile = (path: string): boolean => /\.(nc|txt)$/.test(path);
  const expected = globSync(pattern, { cwd: folder.path }).filter(isFile);
  const found = (await matchingFiles(folder.path, pattern)).filter(isFile);
  expect(found.toSorted()).toEqual(expected.toSorted());
});

test("what begins with a dot or an underscore is no data", async () => {
  await using folder = await temporaryFolder();
  for (const file of [".hidden/a.nc", "_temporary/a.nc", ".a.nc", "_a.nc", "good/a.nc"]) {
    await mkdir(dirname(folder.file(file)), { recursive: true });
    await writeFile(folder.file(file), "");
  }
  expect((await matchingFiles(folder.path, "**/*.nc")).toSorted()).toEqual(["good/a.nc"]);
});
