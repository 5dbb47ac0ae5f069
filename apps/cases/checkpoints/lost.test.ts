import { mkdtemp, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspectCheckpoint } from "@sferic/engine";
import { afterAll, beforeAll, expect, test } from "vitest";
import { filesBelow } from "./archive.ts";
import { families, run, runUntil, type Stop, writeInput } from "./families.ts";
import { type Outputs, outputsIn } from "./outputs.ts";

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sferic-lost-"));
});

afterAll(() => rm(root, { recursive: true, force: true }));

async function stopped(name: string, stop: Stop): Promise<string> {
  const folder = await mkdtemp(join(root, `${name}-`));
  await writeInput(folder, families[name]!);
  await runUntil(folder, families[name]!, stop);
  return folder;
}

const undisturbed = new Map<string, Outputs>();

async function expectWhole(name: string, folder: string): Promise<void> {
  expect(await run(folder, families[name]!)).toMatchObject({ state: "succeeded" });
  if (!undisturbed.has(name)) {
    const whole = await mkdtemp(join(root, "whole-"));
    await writeInput(whole, families[name]!);
    expect(await run(whole, families[name]!)).toMatchObject({ state: "succeeded" });
    undisturbed.set(name, await outputsIn(whole));
  }
  expect(await outputsIn(folder)).toEqual(undisturbed.get(name));
}

/** Those whose outputs tell what is published. */
const telling = ["files", "append", "duckdb", "delta", "states", "letters"];

test.each(
  telling.flatMap((name) => [
    [name, "removed", "its copy is there"] as const,
    [name, "removed", "no copy is there"] as const,
    [name, "torn", "no copy is there"] as const,
    [name, "emptied", "its copy is there"] as const,
  ]),
)("%s: the newest commit is %s after its epoch was cleaned up, and %s: the run goes on", async (name, how, copy) => {
  const folder = await stopped(name, "cleaned");
  const commits = (await filesBelow(join(folder, "cp/commits"))).map((file) => join(folder, "cp/commits", file));
  if (how === "removed") await rm(commits.at(-1)!);
  else await truncate(commits.at(-1)!, how === "emptied" ? 0 : 40);
  if (copy === "no copy is there") await rm(join(folder, "cp/newest.json"));
  // What is told of the next run holds.
  const { findings } = await inspectCheckpoint(join(folder, "cp"));
  expect(findings.map(({ problem }) => problem)).toEqual(how === "removed" ? [] : ["torn"]);
  await expectWhole(name, folder);
});

test("append: a prepared record that is lost after its rows were written doubles none", async () => {
  const folder = await stopped("append", "all-published");
  await rm(join(folder, "cp/prepared/0000000002.json"));
  await expectWhole("append", folder);
});

test.each([...telling, "console", "report"])(
  "%s: a checkpoint that was moved while an epoch was prepared goes on",
  async (name) => {
    const folder = await stopped(name, name === "letters" ? "all-published" : "prepared");
    await rename(folder, `${folder}-moved`);
    await expectWhole(name, `${folder}-moved`);
  },
);

test.each(["duckdb", "console"])(
  "%s: a bit that turned in what is staged is found, and no row comes of it",
  async (name) => {
    const folder = await stopped(name, "prepared");
    const before = await outputsIn(folder);
    const [file] = (await filesBelow(join(folder, "cp/staged"))).map((each) => join(folder, "cp/staged", each));
    const staged = await readFile(file!);
    for (let turn = 0; turn < 8; turn++) {
      const turned = Buffer.from(staged);
      turned[Math.floor((turn * staged.length) / 8)]! ^= 0x10;
      await writeFile(file!, turned);
      expect(await run(folder, families[name]!)).toMatchObject({
        state: "failed",
        error: { code: "staged-missing", message: expect.stringContaining("size or checksum differs") },
      });
      expect(await outputsIn(folder)).toEqual(before);
    }
    await writeFile(file!, staged);
    await expectWhole(name, folder);
  },
);
