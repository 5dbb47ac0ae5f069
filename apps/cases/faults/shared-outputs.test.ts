import { link, mkdir, symlink, writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { registry } from "@sferic/catalog";
import { planPipeline } from "@sferic/engine";
import { temporaryFolder } from "@sferic/testkit";
import { expect, test } from "vitest";

const csv = { type: "csv" };
const append = (url: string) => ({ type: "files", url, write: "append", format: csv });
const parts = (url: string) => ({ type: "files", url, format: csv });
const table = (name: string, write = "append", path = "./d.db") => ({ type: "duckdb", path, table: name, write });
const page = (path: string) => ({
  type: "report",
  from: { points: "g" },
  path,
  longitude: "x",
  latitude: "y",
  label: "k",
});

/** Issues of a pipeline with these sinks, as code and pointer. */
async function issuesOf(folder: string, a: object, b: object): Promise<string[]> {
  const columns = { x: "index::DOUBLE", y: "index::DOUBLE", k: "index" };
  const spec = {
    name: "t",
    sources: { g: { type: "generate", rows: 3, columns } },
    sinks: { a: { from: "g", ...a }, b: { from: "g", ...b } },
  };
  const { issues } = await planPipeline(spec, { registry, baseDirectory: folder, probe: true });
  return issues.map(({ code, pointer }) => `${code} ${pointer}`);
}

test.each<[string, object, object, string]>([
  ["one file", append("./o.csv"), append("./o.csv"), "/sinks/b/url"],
  ["one file by another path", append("./o.csv"), append("./x/../o.csv"), "/sinks/b/url"],
  ["a link to it", append("./o.csv"), append("./linked.csv"), "/sinks/b/url"],
  ["a link to a file that is not there", append("./new.csv"), append("./to-new.csv"), "/sinks/b/url"],
  ["a hard link", append("./there.csv"), append("./hard.csv"), "/sinks/b/url"],
  ["a linked folder", append("./real/o.csv"), append("./folder/o.csv"), "/sinks/b/url"],
  ["a new folder in a linked one", append("./real/n/o.csv"), append("./folder/n/o.csv"), "/sinks/b/url"],
  ["a file and a folder", append("./o"), parts("./o/"), "/sinks/b/url"],
  ["a table that one replaces", table("t"), table("t", "replace"), "/sinks/b/table"],
  ["a table that both replace", table("T", "replace"), table("main.t", "replace"), "/sinks/b/table"],
  ["a table of a linked database", table("s.t", "replace"), table("S.t", "append", "./linked.db"), "/sinks/b/table"],
  ["a database and a text", append("./d.db"), table("t"), "/sinks/b/path"],
  ["one page", page("./r.html"), page("./x/../r.html"), "/sinks/b/path"],
  ["a picture of a page and a text", page("./r.html"), append("./r-map.png"), "/sinks/b/url"],
  ["a Delta table and parts", { type: "delta", url: "./d" }, parts("./d/"), "/sinks/b/url"],
])("two sinks cannot write %s", async (_, a, b, pointer) => {
  await using folder = await temporaryFolder();
  await mkdir(folder.file("real"));
  for (const name of ["o.csv", "there.csv", "d.db"]) await writeFile(folder.file(name), "");
  for (const [name, target] of Object.entries({
    "linked.csv": "o.csv",
    "to-new.csv": "new.csv",
    folder: "real",
    "linked.db": "d.db",
  })) {
    await symlink(target, folder.file(name));
  }
  await link(folder.file("there.csv"), folder.file("hard.csv"));
  expect(await issuesOf(folder.path, a, b)).toEqual([`output-conflict ${pointer}`]);
});

test("a file:// URL names the same file as a path", async () => {
  await using folder = await temporaryFolder();
  const url = pathToFileURL(folder.file("o.csv")).href;
  expect(await issuesOf(folder.path, append("./o.csv"), append(url))).toEqual(["output-conflict /sinks/b/url"]);
});

test.each<[string, object, object]>([
  ["a folder of parts", parts("./o/"), parts("./o")],
  ["a folder of parts and a file in it", parts("./o/"), append("./o/all.csv")],
  ["a table that both append to", table("t"), table("T")],
  ["tables of one database", table("t", "replace"), table("other.t", "replace")],
  ["a Delta table", { type: "delta", url: "./d" }, { type: "delta", url: "./d" }],
  ["pages of one folder", page("./a.html"), page("./b.html")],
])("two sinks may write %s", async (_, a, b) => {
  await using folder = await temporaryFolder();
  expect(await issuesOf(folder.path, a, b)).toEqual([]);
});
