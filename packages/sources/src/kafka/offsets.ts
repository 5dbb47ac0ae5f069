import type { PartitionRange } from "./reader.ts";

/** Offset of the source `kafka`. Arrays have an entry for each partition, by its number; offsets are text. */
export interface KafkaOffset {
  /** Id that the topic was given when it was created. */
  readonly topicId: string;
  /** Where reading began. */
  readonly begin: readonly string[];
  /** The offset behind the last that belongs to the epoch. */
  readonly end: readonly string[];
}

/** The pieces between two offsets: where reading began, for partitions that the first one does not know. */
export function rangesBetween(start: KafkaOffset | null, end: KafkaOffset): PartitionRange[] {
  const known = start?.topicId === end.topicId ? start.end : [];
  return end.end.map((until, partition) => ({
    partition,
    from: BigInt(known[partition] ?? end.begin[partition]!),
    until: BigInt(until),
  }));
}

/** How much of each lag to read when all together are to be at most so many: as fair as the lags are long. */
export function fairShares(lags: readonly bigint[], most: number | undefined): bigint[] {
  const total = lags.reduce((sum, lag) => sum + lag, 0n);
  if (most === undefined || total <= BigInt(most)) return [...lags];
  const shares = lags.map((lag) => (lag * BigInt(most)) / total);
  let left = BigInt(most) - shares.reduce((sum, share) => sum + share, 0n);
  return shares.map((share, index) => {
    if (left === 0n || share === lags[index]) return share;
    left -= 1n;
    return share + 1n;
  });
}
