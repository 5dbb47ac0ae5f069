import * as real from "node:fs/promises";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type DiskFunctions, PowerLossDisk, ProcessDied } from "./power-loss-disk.ts";

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "sferic-disk-"));
});

afterEach(() => rm(root, { recursive: true }));

/** Which steps of a careful write are left out. */
type Omitted = "none" | "file sync" | "folder sync" | "both";

/** Writes `text` beside its place, and renames it into place. */
async function replace(fs: DiskFunctions, text: string, omitted: Omitted): Promise<void> {
  const [beside, path] = [join(root, "beside"), join(root, "a")];
  await fs.writeFile(beside, text, { flush: omitted === "none" || omitted === "folder sync" });
  await fs.rename(beside, path);
  if (omitted === "none" || omitted === "file sync") await sync(fs, root);
}

async function sync(fs: DiskFunctions, path: string): Promise<void> {
  const handle = await fs.open(path, "r");
  await handle.sync();
  await handle.close();
}

const contentOf = (name: string): Promise<string | null> => readFile(join(root, name), "utf8").catch(() => null);

/** What a reader finds after power losses of many kinds. */
async function found(omitted: Omitted): Promise<Set<string | null>> {
  const texts = new Set<string | null>();
  for (let seed = 0; seed < 60; seed++) {
    let state = seed * 7919;
    const random = (): number => (state = (state * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
    const disk = new PowerLossDisk(real, root, random);
    await replace(disk.functions, "old content", "none");
    await replace(disk.functions, "new content", omitted);
    await disk.losePower();
    texts.add(await contentOf("a"));
    for (const name of await real.readdir(root)) await rm(join(root, name));
  }
  return texts;
}

test("what was synced with its name is there, and nothing else", async () => {
  expect(await found("none")).toEqual(new Set(["new content"]));
});

test("a name that was not synced may be the old one, and is never both or neither", async () => {
  expect(await found("folder sync")).toEqual(new Set(["old content", "new content"]));
});

test("content that was not synced may be torn under its new name", async () => {
  const texts = await found("file sync");
  expect(texts).toContain("");
  expect([...texts].some((text) => text !== "" && text !== "new content")).toBe(true);
  expect(texts).not.toContain("old content");
});

test("a new folder that its parent was not synced for may be gone with all that was synced in it", async () => {
  const survived = new Set<string | null>();
  for (const chance of [0.1, 0.9]) {
    const disk = new PowerLossDisk(real, root, () => chance);
    await disk.functions.mkdir(join(root, "new"));
    await disk.functions.writeFile(join(root, "new/a"), "text", { flush: true });
    await sync(disk.functions, join(root, "new"));
    await disk.losePower();
    survived.add(await contentOf("new/a"));
    await rm(join(root, "new"), { recursive: true, force: true });
  }
  expect(survived).toContain(null);
});

test("two names of a file stay names of one file", async () => {
  const disk = new PowerLossDisk(real, root, () => 0);
  const [a, b] = [join(root, "a"), join(root, "b")];
  await disk.functions.writeFile(a, "text", { flush: true });
  await disk.functions.link(a, b);
  await sync(disk.functions, root);
  await disk.losePower();
  await disk.functions.truncate(b);
  expect(await contentOf("a")).toBe("");
});

test("a process dies at its call and changes nothing from then on", async () => {
  const disk = new PowerLossDisk(real, root, () => 0.9);
  disk.startProcess(1);
  await disk.functions.mkdir(join(root, "first"));
  await expect(disk.functions.mkdir(join(root, "second"))).rejects.toBeInstanceOf(ProcessDied);
  await expect(disk.functions.rm(join(root, "first"), { recursive: true })).rejects.toBeInstanceOf(ProcessDied);
  expect(await real.readdir(root)).toEqual(["first"]);
});
