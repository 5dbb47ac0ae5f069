import { spawnSync } from "node:child_process";
import { chmod, chown, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import {
  createDurably,
  makeDirectoriesIn,
  makeDirectory,
  namesIn,
  removeIfEmpty,
  replaceDurably,
  sizeOf,
  textOf,
} from "./durable-files.ts";
import { scratchFolder } from "./testing/scratch.ts";

/** A user who owns nothing. */
const nobody = 65534;

describe("makeDirectory", () => {
  it("makes a folder with its parents, and makes nothing of one that is there", async () => {
    const folder = await scratchFolder();
    await makeDirectory(`${folder}/a/b/c`);
    await writeFile(`${folder}/a/b/c/kept`, "");
    await makeDirectory(`${folder}/a/b/c`);
    expect(await readdir(`${folder}/a/b/c`)).toEqual(["kept"]);
  });

  it.each(["out", "out/a", "out/a/b"])("says which file is in the way of %s", async (path) => {
    const folder = await scratchFolder();
    await writeFile(`${folder}/out`, "in the way");
    await expect(makeDirectory(`${folder}/${path}`)).rejects.toMatchObject({
      code: "not-a-folder",
      domain: "external",
      message: `${folder}/out is a file, but a folder is needed there. Move the file away, or choose another path.`,
      details: { path: `${folder}/out` },
    });
    expect(await readFile(`${folder}/out`, "utf8")).toBe("in the way");
  });
});

describe("makeDirectoriesIn", () => {
  it("makes folders and those between, and makes nothing of those that are there", async () => {
    const folder = await scratchFolder();
    await mkdir(`${folder}/a`);
    await writeFile(`${folder}/a/kept`, "");
    await makeDirectoriesIn(folder, ["a/b", "a/c", "d"]);
    await makeDirectoriesIn(folder, ["a/b"]);
    expect((await readdir(folder, { recursive: true })).toSorted()).toEqual(["a", "a/b", "a/c", "a/kept", "d"]);
  });

  it("says which file is in the way", async () => {
    const folder = await scratchFolder();
    await writeFile(`${folder}/a`, "in the way");
    for (const path of ["a", "a/b"]) {
      await expect(makeDirectoriesIn(folder, [path])).rejects.toMatchObject({ details: { path: `${folder}/a` } });
    }
  });
});

describe("files that are there whole or not at all", () => {
  it("creates one, and refuses to do it over another", async () => {
    const folder = await scratchFolder();
    await createDurably(`${folder}/a`, "first");
    await expect(createDurably(`${folder}/a`, "second")).rejects.toMatchObject({ code: "EEXIST" });
    expect(await readFile(`${folder}/a`, "utf8")).toBe("first");
    expect(await readdir(folder)).toEqual(["a"]);
  });

  it("replaces one, and leaves no temporary file", async () => {
    const folder = await scratchFolder();
    await replaceDurably(`${folder}/a`, "first");
    await replaceDurably(`${folder}/a`, "second");
    expect(await readFile(`${folder}/a`, "utf8")).toBe("second");
    expect(await readdir(folder)).toEqual(["a"]);
  });
});

it("what is not there has no names, no text and no size", async () => {
  const folder = await scratchFolder();
  expect([await namesIn(`${folder}/a`), await textOf(`${folder}/a`), await sizeOf(`${folder}/a`)]).toEqual([
    [],
    null,
    null,
  ]);
  await writeFile(`${folder}/b`, "four");
  expect([await namesIn(folder), await textOf(`${folder}/b`), await sizeOf(`${folder}/b`)]).toEqual([["b"], "four", 4]);
});

it("removes an empty folder only", async () => {
  const folder = await scratchFolder();
  await makeDirectory(`${folder}/a/b`);
  await removeIfEmpty(`${folder}/a`);
  expect((await stat(`${folder}/a`)).isDirectory()).toBe(true);
  await removeIfEmpty(`${folder}/a/b`);
  await removeIfEmpty(`${folder}/a`);
  expect(await readdir(folder)).toEqual([]);
});

// Only root can be another user.
it.skipIf(process.getuid?.() !== 0)("folders above that a user may not open are in nobody's way", async () => {
  const closed = await scratchFolder();
  await mkdir(`${closed}/own`);
  await chown(`${closed}/own`, nobody, nobody);
  await chmod(closed, 0o711);
  const module = JSON.stringify(new URL("./durable-files.ts", import.meta.url).href);
  const path = JSON.stringify(`${closed}/own`);
  const program = `const { makeDirectory, syncAncestors } = await import(${module}); await makeDirectory(${path}); await syncAncestors(${path});`;
  const { status, stderr } = spawnSync(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", program],
    { uid: nobody, gid: nobody, encoding: "utf8" },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});
