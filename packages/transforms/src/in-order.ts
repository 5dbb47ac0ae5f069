import { availableParallelism } from "node:os";
import type { Batch } from "@sferic/operator";

/** Batches in work at a time; the threads that do it are shared by all operators. */
const width = Math.min(4, availableParallelism());

/**
 * What `apply` makes of each batch, in the order of the batches, while the next ones are already in work. `apply` takes over
 * its batch. After a failure, or when nobody asks for more, what is still in work is closed.
 */
export async function* inOrder<T extends { close(): void }>(
  rows: AsyncIterable<Batch>,
  apply: (batch: Batch) => Promise<T>,
): AsyncGenerator<T> {
  const working: Promise<T>[] = [];
  try {
    for await (const batch of rows) {
      const pending = apply(batch);
      // A failure is thrown when its turn comes.
      pending.catch(() => {});
      working.push(pending);
      if (working.length >= width) yield await working.shift()!;
    }
    while (working.length > 0) yield await working.shift()!;
  } finally {
    for (const rest of await Promise.allSettled(working)) if (rest.status === "fulfilled") rest.value.close();
  }
}
