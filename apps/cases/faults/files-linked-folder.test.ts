import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { registry } from "@sferic/catalog";
import { runPipeline } from "@sferic/engine";
import { temporaryFolder } from "@sferic/testkit";
import { expect, test } from "vitest";

/** Links are made here: a checkout may not have them. */
test("files of a linked folder are read, each file once, and a link that leads nowhere is reported", async () => {
  await using folder = await temporaryFolder();
  for (const name of ["in", "real"]) await mkdir(folder.file(name));
  await writeFile(folder.file("in/a.jsonl"), '{"v":1}\n');
  await writeFile(folder.file("real/b.jsonl"), '{"v":2}\n');
  const links = { linked: "../real", loop: ".", "twice.jsonl": "a.jsonl", "gone.jsonl": "nowhere" };
  for (const [name, target] of Object.entries(links)) await symlink(target, folder.file(`in/${name}`));
  const spec = {
    name: "linked",
    sources: { a: { type: "files", url: "./in/", format: { type: "json", schema: { v: "int64" } } } },
    sinks: { o: { type: "files", from: "a", url: "./out/", format: { type: "json" } } },
  };
  const { rows, operators, issues } = await runPipeline(spec, { registry, baseDirectory: folder.path });
  expect(rows).toMatchObject({ read: 2, written: 2 });
  const [file] = operators["o"]!.files!;
  expect(await readFile(file!, "utf8")).toBe('{"v":1}\n{"v":2}\n');
  expect(issues).toEqual([expect.objectContaining({ code: "file-passed-over", severity: "warning" })]);
});
