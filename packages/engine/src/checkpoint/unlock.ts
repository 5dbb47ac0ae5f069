import { isCheckpoint, notFound } from "./inspect.ts";
import { type LockHolder, unlockFolder } from "./lock.ts";

/**
 * Frees a checkpoint from a run that is gone but cannot be seen to be, such as one of another host; without `apply` it only
 * looks. A run that lives after all is fenced off: it ends before its next record. Resolves to whose lock it was, or null
 * when the checkpoint was free. Throws `checkpoint-locked` when that run is seen to live, and `checkpoint-not-found`.
 */
export async function unlockCheckpoint(
  directory: string,
  { apply }: { readonly apply: boolean },
): Promise<LockHolder | null> {
  if (!(await isCheckpoint(directory))) throw notFound(directory);
  return unlockFolder(directory, apply);
}
