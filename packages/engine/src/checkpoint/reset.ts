import { rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { remove, sizeOf, syncDirectory } from "@sferic/operator/durable-files";
import { isCheckpoint, notFound } from "./inspect.ts";
import { acquireLock } from "./lock.ts";
import { markReset, resetFolder } from "./reset-marks.ts";

/**
 * Moves a checkpoint aside, so that the next run on it starts from the beginning; resolves to where it is now, beside
 * the old place. Outputs stay as they are, and the next run may add to them. Throws `checkpoint-locked` while a run holds it, and `checkpoint-not-found`.
 */
export async function resetCheckpoint(directory: string): Promise<string> {
  if (!(await isCheckpoint(directory))) throw notFound(directory);
  const lock = await acquireLock(directory);
  const aside = await freeName(directory);
  try {
    await rename(directory, aside);
  } catch (thrown) {
    await lock.release();
    throw thrown;
  }
  await markReset(aside);
  // The claim has moved too. What is under its old name by now, if anything, belongs to the next run.
  await remove(join(aside, "LOCK"));
  lock.releaseMoved();
  await syncDirectory(dirname(directory));
  return aside;
}

async function freeName(directory: string): Promise<string> {
  for (let number = 1; ; number++) {
    const name = resetFolder(directory, number);
    if ((await sizeOf(name)) === null) return name;
  }
}
