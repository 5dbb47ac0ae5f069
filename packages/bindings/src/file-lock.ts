import { asOperatorError } from "@sferic/operator";
import { unwrapped } from "./errors.ts";
import * as native from "./native.ts";

/** A lock that is held until it is released, or until the process ends, however it does. */
export interface FileLock {
  /** Frees the lock. Harmless to repeat. */
  release(): void;
}

/** Locks that are held: one that nobody refers to would be freed when it is collected as garbage. */
const held = new Set<native.NativeFileLock>();

/**
 * Locks a file that is there, without waiting. `"held"` when it is locked, also by this process; `"unsupported"` where the
 * file system has no locks. Throws `not-found` and `permission-denied`.
 */
export async function lockFile(path: string): Promise<FileLock | "held" | "unsupported"> {
  try {
    const lock = await unwrapped(native.lockFile(path));
    if (lock === null) return "held";
    held.add(lock);
    return {
      release: () => {
        held.delete(lock);
        lock.release();
      },
    };
  } catch (thrown) {
    if (asOperatorError(thrown).code === "lock-unsupported") return "unsupported";
    throw thrown;
  }
}
