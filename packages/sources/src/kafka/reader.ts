import type { MessageSet } from "@sferic/bindings/kafka";

/** A piece of a partition: from an offset to the one to stop before. */
export interface PartitionRange {
  readonly partition: number;
  readonly from: bigint;
  readonly until: bigint;
}

/** A piece of a partition that the topic no longer has, and why. */
export interface LostRange extends PartitionRange {
  readonly reason: string;
}

/** Reads ranges of a topic, however they were cut into batches. */
export interface MessageReader {
  /**
   * Every message of the ranges once, those of a partition in order, and the pieces of the ranges that are lost. Offsets
   * without a message, left by compaction and transactions, are passed over. Waits for brokers that are away.
   */
  read(ranges: readonly PartitionRange[], signal: AbortSignal): AsyncIterable<MessageSet | LostRange>;
  close(): Promise<void>;
}

/** Asks for the next item while the one before is being used. Items that nobody takes are dropped. */
export async function* ahead<T>(items: AsyncGenerator<T>, drop: (item: T) => void): AsyncGenerator<T> {
  let next = started(items);
  try {
    for (;;) {
      const { value, done } = await next;
      if (done === true) return;
      next = started(items);
      yield value;
    }
  } finally {
    await next.then(
      ({ value, done }) => done === true || drop(value),
      () => {},
    );
    await items.return(undefined);
  }
}

/** What goes wrong is told to whoever awaits it, if anybody ever does. */
function started<T>(items: AsyncGenerator<T>): Promise<IteratorResult<T>> {
  const next = items.next();
  next.catch(() => {});
  return next;
}
