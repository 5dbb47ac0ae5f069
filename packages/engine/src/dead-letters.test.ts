import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { readDeadLetters } from "./dead-letters.ts";
import { scratchFolder } from "./testing/scratch.ts";

const letter = {
  epoch: 7,
  source: "flashes",
  name: "a.nc",
  reason: "cut short",
  position: 12,
  values: { payload: "00ff" },
};
const line = `${JSON.stringify(letter)}\n`;

/** A folder with these files. */
async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await scratchFolder();
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

test.each([
  [
    "a checkpoint",
    { "offsets/none": "", "commits/none": "", "dead-letters/0000000007.jsonl": line },
    [["dead-letters/0000000007.jsonl", null]],
  ],
  ["a checkpoint without any", { "offsets/none": "", "commits/none": "" }, []],
  [
    "runs without a checkpoint",
    { "r2/0000000000.jsonl": line, "r1/0000000001.jsonl": line, "r1/0000000000.jsonl": line },
    [
      ["r1/0000000000.jsonl", "r1"],
      ["r1/0000000001.jsonl", "r1"],
      ["r2/0000000000.jsonl", "r2"],
    ],
  ],
  [
    "one run, with a write that was interrupted",
    { "0000000000.jsonl": line, "0000000001.jsonl.tmp": "{" },
    [["0000000000.jsonl", null]],
  ],
])("%s", async (_, files, expected) => {
  const folder = await folderOf(files as Record<string, string>);
  const found = await Array.fromAsync(readDeadLetters(folder));
  expect(found).toEqual(expected.map(([name, run]) => ({ path: join(folder, name!), run, letters: [letter] })));
});

test.each(["{", "null", '"text"', '{"epoch":1}', '{"epoch":"1","source":"a","name":"b","reason":"c"}'])(
  "%s is no dead letter, and its line is told",
  async (text) => {
    const folder = await folderOf({ "0000000000.jsonl": `${line}${text}\n` });
    await expect(Array.fromAsync(readDeadLetters(folder))).rejects.toMatchObject({
      code: "dead-letters-corrupt",
      message: expect.stringContaining("0000000000.jsonl: line 2"),
    });
  },
);

test.each(["", "none"])("a folder that has nothing to do with it is refused", async (name) => {
  const folder = join(await folderOf({ "notes.jsonl": line }), name);
  await expect(Array.fromAsync(readDeadLetters(folder))).rejects.toMatchObject({ code: "dead-letters-not-found" });
});
