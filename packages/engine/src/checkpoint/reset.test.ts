import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { scratchFolder } from "../testing/scratch.ts";
import { Checkpoint } from "./checkpoint.ts";
import { inspectCheckpoint } from "./inspect.ts";
import { resetCheckpoint } from "./reset.ts";

const pipeline = { name: "p", specHash: "0", engineVersion: "0" };

test("the checkpoint moves aside whole and free; the next one there is another", async () => {
  const directory = join(await scratchFolder(), "check");
  const ids: string[] = [];
  for (let time = 0; time < 2; time++) {
    const checkpoint = await Checkpoint.open(directory, pipeline);
    ids.push(checkpoint.identity.id);
    await checkpoint.close();
    const aside = await resetCheckpoint(directory);
    expect(aside).toBe(`${directory}.reset-${time + 1}`);
    expect(await inspectCheckpoint(aside)).toMatchObject({ identity: { id: ids[time] }, lock: null });
  }
  expect(await readdir(join(directory, ".."))).toEqual(["check.reset-1", "check.reset-2"]);
  expect(ids[0]).not.toBe(ids[1]);
});

test("a run that lives keeps its checkpoint", async () => {
  const directory = join(await scratchFolder(), "check");
  const checkpoint = await Checkpoint.open(directory, pipeline);
  await expect(resetCheckpoint(directory)).rejects.toMatchObject({ code: "checkpoint-locked" });
  expect(await inspectCheckpoint(directory)).toMatchObject({ lock: { pid: process.pid } });
  await checkpoint.close();
});

test("a folder that is no checkpoint stays where it is", async () => {
  const directory = join(await scratchFolder(), "data");
  await mkdir(directory);
  await writeFile(join(directory, "pipeline.json"), "{}");
  await expect(resetCheckpoint(directory)).rejects.toMatchObject({ code: "checkpoint-not-found" });
  expect(await readdir(directory)).toEqual(["pipeline.json"]);
});
