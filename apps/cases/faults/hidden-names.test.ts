import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { registry } from "@sferic/catalog";
import { runPipeline } from "@sferic/engine";
import { temporaryFolder } from "@sferic/testkit";
import { expect, test } from "vitest";

test.each<[string, string[], string | null]>([
  ["./in/**/*.csv", ["2"], "^2 files or folders were passed over below .*/in, .*: _d and others"],
  ["./in/", ["2"], "2 files or folders"],
  ["./in/*.csv", ["2"], "1 file or folder was .*: _x.csv\\."],
  ["./in/_*.csv", ["1"], null],
  ["./in/_d/", ["3"], null],
  ["./in/_?/*", ["3"], null],
  ["./in/**/_d/*", ["3"], null],
])("%s reads the rows %j, and tells once what it passes over", async (url, expected, warning) => {
  await using folder = await temporaryFolder();
  for (const [name, i] of Object.entries({ "_x.csv": 1, "b.csv": 2, "_d/c.csv": 3, _SUCCESS: 4 })) {
    await mkdir(dirname(folder.file(`in/${name}`)), { recursive: true });
    await writeFile(folder.file(`in/${name}`), `i\n${i}\n`);
  }
  const spec = {
    name: "hidden",
    sources: { s: { type: "files", url, format: { type: "csv", schema: { i: "int64" } } } },
    sinks: { o: { type: "files", from: "s", url: "./o.csv", write: "append", format: { type: "csv" } } },
    run: { trigger: "available-now", checkpoint: "./check" },
  };
  const { issues } = await runPipeline(spec, { registry, baseDirectory: folder.path });
  const text = await readFile(folder.file("o.csv"), "utf8").catch(() => "i\n");
  expect(text.trimEnd().split("\n").slice(1)).toEqual(expected);
  const told = (issues as readonly { code: string }[]).filter((issue) => issue.code === "hidden-names");
  expect(told).toEqual(
    warning === null ? [] : [expect.objectContaining({ message: expect.stringMatching(warning), severity: "warning" })],
  );
});
