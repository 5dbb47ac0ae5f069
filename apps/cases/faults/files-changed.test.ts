import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { registry } from "@sferic/catalog";
import { runPipeline, type RunEvent } from "@sferic/engine";
import { temporaryFolder } from "@sferic/testkit";
import { expect, test } from "vitest";

async function warnings(folder: string): Promise<string[]> {
  const told: string[] = [];
  const spec = {
    name: "changed",
    sources: { s: { type: "files", url: "./in/*.csv", format: { type: "csv" } } },
    sinks: { o: { type: "files", from: "s", url: "./out/", format: { type: "csv" } } },
    run: { trigger: "available-now", checkpoint: "./check" },
  };
  const onEvent = (event: RunEvent): void => {
    if (event.type === "warning") told.push(`${event.code}: ${event.message}`);
  };
  expect(await runPipeline(spec, { registry, baseDirectory: folder, onEvent })).toMatchObject({ state: "succeeded" });
  return told;
}

test("a file that grew after it was read, and a folder named like a file, are said", async () => {
  await using folder = await temporaryFolder();
  await mkdir(folder.file("in/d.csv"), { recursive: true });
  await writeFile(folder.file("in/a.csv"), "i\n1\n");
  expect(await warnings(folder.path)).toEqual([expect.stringMatching(/^file-passed-over: .*d\.csv is a folder/)]);
  await appendFile(folder.file("in/a.csv"), "2\n");
  const said = [expect.stringMatching(/^file-changed-since-read: 1 file .* a\.csv/), expect.stringMatching("d.csv")];
  expect(await warnings(folder.path)).toEqual(said);
});
