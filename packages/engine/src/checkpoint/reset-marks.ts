import { basename, dirname, join } from "node:path";
import { createDurably, namesIn, sizeOf } from "@sferic/operator/durable-files";

/** Folder that a checkpoint is moved to when it is reset for that many times. */
export function resetFolder(directory: string, number: number): string {
  return `${directory}.reset-${number}`;
}

/** Leaves a mark in a checkpoint that was moved aside: the next one in its old place may add to the outputs that are there. */
export async function markReset(aside: string): Promise<void> {
  await createDurably(join(aside, markName), "");
}

/** The marks of earlier checkpoints in this place that no new one has followed yet. */
export async function resetMarks(directory: string): Promise<string[]> {
  const prefix = `${basename(directory)}.reset-`;
  const names = (await namesIn(dirname(directory))).filter((name) => name.startsWith(prefix));
  const marks = names.map((name) => join(dirname(directory), name, markName));
  const sizes = await Promise.all(marks.map((mark) => sizeOf(mark).catch(() => null)));
  return marks.filter((_, index) => sizes[index] !== null);
}

const markName = "reset";
