import { textOf } from "@sferic/operator/durable-files";
import { recordedEpochs, recordPath } from "./checkpoint/layout.ts";
import { type Committed, decodeRecord } from "./checkpoint/records.ts";

/** What the newest epochs of a checkpoint spent their time on. */
export interface EpochCost {
  /** How many of them were looked at. */
  readonly epochs: number;
  /** From reading to publishing, for one of them on average. */
  readonly secondsPerEpoch: number;
  /** The operators that took most of it first. */
  readonly operators: readonly { readonly operatorId: string; readonly secondsPerEpoch: number }[];
}

/** Epochs whose costs are put together. */
const epochsMax = 20;

/** The cost of the newest epochs by operator, out of their commit records; null before the first epoch. Reads 20 small files. */
export async function epochCost(checkpoint: string): Promise<EpochCost | null> {
  const epochs = (await recordedEpochs(checkpoint, "committed")).slice(-epochsMax);
  if (epochs.length === 0) return null;
  const spent = new Map<string, number>();
  let total = 0;
  for (const epoch of epochs) {
    const { operators, seconds } = decodeRecord<Committed>(
      (await textOf(recordPath(checkpoint, "committed", epoch))) ?? "",
    );
    for (const [id, counts] of Object.entries(operators)) spent.set(id, (spent.get(id) ?? 0) + counts.seconds);
    total += Object.values(seconds).reduce((sum, phase) => sum + phase, 0);
  }
  const operators = [...spent].map(([operatorId, seconds]) => ({
    operatorId,
    secondsPerEpoch: seconds / epochs.length,
  }));
  return {
    epochs: epochs.length,
    secondsPerEpoch: total / epochs.length,
    operators: operators.toSorted((a, b) => b.secondsPerEpoch - a.secondsPerEpoch),
  };
}
