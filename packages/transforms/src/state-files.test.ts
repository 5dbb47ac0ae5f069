import { setImmediate } from "node:timers/promises";
import type { WrittenFile } from "@sferic/operator";
import { beforeEach, expect, test } from "vitest";
import { type KeptState, StateFiles } from "./state-files.ts";

/** A state of 100,000 groups whose files are never really written. */
class Pretended implements KeptState {
  groups = 100_000;
  changed = 10;
  readonly compacted: string[][] = [];
  finish: () => void = () => {};
  fail: (thrown: Error) => void = () => {};

  size(): ReturnType<KeptState["size"]> {
    return { groups: this.groups, changed: this.changed, bytes: 0 };
  }

  settle(): void {}

  restore(): Promise<void> {
    return Promise.resolve();
  }

  write(_: string, whole: boolean): Promise<WrittenFile> {
    return Promise.resolve({ bytes: whole ? 1000 : 100, checksum: "" });
  }

  compact(files: readonly { readonly path: string }[], path: string): Promise<WrittenFile> {
    this.compacted.push([...files.map((file) => file.path), path]);
    return new Promise((resolve, reject) => {
      this.finish = () => resolve({ bytes: 1000, checksum: "whole" });
      this.fail = reject;
    });
  }
}

let state: Pretended;
let files: StateFiles;
let epoch: number;

beforeEach(() => {
  [state, files, epoch] = [new Pretended(), new StateFiles(), 0];
});

const write = (): ReturnType<StateFiles["write"]> => files.write(state, `${epoch++}.arrow`, 5);

async function writeUntilDue(): Promise<void> {
  for (let count = 0; count < 12; count++) await write();
  expect(state.compacted).toEqual([[...Array.from({ length: 12 }, (_, index) => `${index}.arrow`), "11.whole.arrow"]]);
}

test("a whole file counts once it is complete, and takes the place of the files it was made of", async () => {
  await writeUntilDue();
  expect(await write()).toEqual({ bytes: 100, checksum: "", isWhole: false, record: { bytes: 100, closedMs: 5 } });
  state.finish();
  await setImmediate();
  expect(await write()).toMatchObject({
    isWhole: false,
    base: { path: "11.whole.arrow", fileCount: 12, checksum: "whole", record: { bytes: 1000, closedMs: 5 } },
  });
  expect(await write()).not.toHaveProperty("base");
  expect(state.compacted).toHaveLength(1);
});

test("a whole file that could not be made ends the run", async () => {
  await writeUntilDue();
  state.fail(new Error("the disk is full"));
  await setImmediate();
  await expect(write()).rejects.toThrow("the disk is full");
});

test("a chain of twice the length waits for it", async () => {
  await writeUntilDue();
  while (epoch < 200) await write();
  const pending = write();
  state.finish();
  expect(await pending).toMatchObject({ base: { fileCount: 12 } });
});

test("an epoch that changes half of the groups writes them all, and what is made beside it is given up", async () => {
  await writeUntilDue();
  state.changed = 50_000;
  const pending = write();
  state.finish();
  expect(await pending).toMatchObject({ isWhole: true });
  state.changed = 10;
  expect(await write()).not.toHaveProperty("base");
});

test("a small state is written whole within the epoch", async () => {
  state.groups = 1000;
  const wholes: boolean[] = [];
  for (let count = 0; count < 14; count++) wholes.push((await write()).isWhole);
  expect(wholes.map((isWhole, index) => (isWhole ? index : -1)).filter((index) => index >= 0)).toEqual([0, 12]);
  expect(state.compacted).toEqual([]);
});
