import { globSync } from "node:fs";
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { temporaryFolder } from "@sferic/testkit";
import { expect, test } from "vitest";
import { matchingFiles, type MatchingOptions } from "./matching-files.ts";

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
  "b.txt/*",
];

async function pathsOf(root: string, pattern: string, options?: MatchingOptions): Promise<string[]> {
  return (await matchingFiles(root, pattern, options)).map(({ path }) => path).toSorted();
}

test.each(patterns)("finds with %s what the glob of Node finds", async (pattern) => {
  await using folder = await temporaryFolder();
  for (const file of files) {
    await mkdir(dirname(folder.file(file)), { recursive: true });
    await writeFile(folder.file(file), "");
  }
  const isFile = (path: string): boolean => /\.(nc|txt)$/.test(path);
  const expected = globSync(pattern, { cwd: folder.path }).filter(isFile);
  const found = (await pathsOf(folder.path, pattern)).filter(isFile);
  expect(found.toSorted()).toEqual(expected.toSorted());
});

test("what begins with a dot or an underscore is no data", async () => {
  await using folder = await temporaryFolder();
  for (const file of [".hidden/a.nc", "_temporary/a.nc", ".a.nc", "_a.nc", "good/a.nc"]) {
    await mkdir(dirname(folder.file(file)), { recursive: true });
    await writeFile(folder.file(file), "");
  }
  const told: string[][] = [];
  const onHidden = (paths: readonly string[]): void => void told.push([...paths]);
  expect(await pathsOf(folder.path, "**/*.nc", { onHidden })).toEqual(["good/a.nc"]);
  expect(await pathsOf(folder.path, "*.nc", { onHidden })).toEqual([]);
  expect(await pathsOf(folder.path, "*/*", { onHidden })).toEqual(["good/a.nc"]);
  expect(await pathsOf(folder.path, "*.txt", { onHidden })).toEqual([]);
  expect(told).toEqual([[".a.nc", ".hidden", "_a.nc"], [".a.nc", "_a.nc"], [".hidden"]]);
});

test.each<[string, string[]]>([
  ["_*.nc", ["_a.nc", "_b.nc"]],
  [".*.nc", [".a.nc"]],
  ["_d/*", ["_d/c.nc"]],
  ["_*/*", ["_d/c.nc"]],
  ["**/_*.nc", ["_a.nc", "_b.nc", "good/_e.nc"]],
  ["*/_e.nc", ["good/_e.nc"]],
  ["_?/**", ["_d/c.nc"]],
  ["{_a,_b,good/_e}.nc", ["_a.nc", "_b.nc", "good/_e.nc"]],
  ["{_[ab],.a,x}.nc", [".a.nc", "_a.nc", "_b.nc"]],
  ["[_.]a.nc", [".a.nc", "_a.nc"]],
  ["[!x]a.nc", []],
  ["?a.nc", []],
])("%s says itself that names begin with a dot or an underscore", async (pattern, expected) => {
  await using folder = await temporaryFolder();
  for (const file of ["_a.nc", "_b.nc", ".a.nc", "_d/c.nc", "_d/_f.nc", "good/_e.nc", "good/g.txt"]) {
    await mkdir(dirname(folder.file(file)), { recursive: true });
    await writeFile(folder.file(file), "");
  }
  expect(await pathsOf(folder.path, pattern)).toEqual(expected);
});

test("nobody misses the helper files of other systems", async () => {
  await using folder = await temporaryFolder();
  for (const file of [
    "_SUCCESS",
    ".a.nc.crc",
    ".sferic-token.p.s",
    "_delta_log/0.json",
    ".DS_Store",
    "._a.nc",
    "a.nc",
  ]) {
    await mkdir(dirname(folder.file(file)), { recursive: true });
    await writeFile(folder.file(file), "");
  }
  const onHidden = (): void => expect.unreachable();
  expect(await pathsOf(folder.path, "**", { onHidden })).toEqual(["a.nc"]);
});

/** Folders `in` and `real`, each with a file, and links in `in`: their names, and what they lead to. */
async function linked(links: Readonly<Record<string, string>>): ReturnType<typeof temporaryFolder> {
  const folder = await temporaryFolder();
  for (const file of ["in/a.nc", "in/sub/b.nc", "real/c.nc", "real/deep/d.nc"]) {
    await mkdir(dirname(folder.file(file)), { recursive: true });
    await writeFile(folder.file(file), "");
  }
  for (const [name, target] of Object.entries(links)) await symlink(target, folder.file(`in/${name}`));
  return folder;
}

test.each<[string, Record<string, string>, string[]]>([
  ["a linked folder", { linked: "../real" }, ["linked/c.nc", "linked/deep/d.nc"]],
  ["a linked file", { "z.nc": "../real/c.nc" }, ["z.nc"]],
  [
    "a file with several links",
    { "z.nc": "../real/c.nc", "y.nc": "../real/c.nc", w: "../real" },
    ["w/c.nc", "w/deep/d.nc"],
  ],
  ["a link to a file that matches itself", { "0.nc": "a.nc" }, []],
  ["a link to a folder that is searched itself", { "0": "sub" }, []],
  ["a link to where it is", { loop: "." }, []],
  ["a link above", { up: ".." }, ["up/real/c.nc", "up/real/deep/d.nc"]],
  ["links to each other's folders", { one: "../real", two: "../real" }, ["one/c.nc", "one/deep/d.nc"]],
])("follows %s, each file once", async (_, links, more) => {
  await using folder = await linked(links);
  await symlink("../in", folder.file("real/back"));
  const own = ["a.nc", "sub/b.nc"];
  expect(await pathsOf(folder.file("in"), "**")).toEqual([...own, ...more].toSorted());
  expect(await pathsOf(folder.file("in"), "**/*.nc")).toEqual([...own, ...more].toSorted());
});

test("follows links in the place of any part of a pattern", async () => {
  await using folder = await linked({ linked: "../real" });
  expect(await pathsOf(folder.file("in"), "*/*.nc")).toEqual(["linked/c.nc", "sub/b.nc"]);
  expect(await pathsOf(folder.file("in"), "link*/**")).toEqual(["linked/c.nc", "linked/deep/d.nc"]);
  expect(await pathsOf(folder.path, "i*/linked/c.nc")).toEqual(["in/linked/c.nc"]);
});

test("a file that was taken through one link is not taken through another", async () => {
  await using folder = await linked({ one: "../real" });
  const taken = await matchingFiles(folder.file("in"), "**");
  const known = new Set(taken.flatMap(({ path, target = path }) => [path, target]));
  await symlink("../real", folder.file("in/a-link"));
  await rm(folder.file("in/one"));
  expect(await pathsOf(folder.file("in"), "**", { isLeftOut: (path) => known.has(path) })).toEqual([]);
});

test("a link that leads nowhere is reported", async () => {
  await using folder = await linked({ "gone.nc": "nowhere", "loop.nc": "loop.nc" });
  const broken: string[] = [];
  const found = await pathsOf(folder.file("in"), "*.nc", {
    onBrokenLink: (path, reason) => void broken.push(`${path} ${reason}`),
  });
  expect(found).toEqual(["a.nc"]);
  expect(broken.toSorted()).toEqual([
    "gone.nc is a link to something that does not exist",
    "loop.nc is a link that leads back to itself",
  ]);
});
