import { batches } from "@sferic/bindings/batch";
import type { Batch } from "@sferic/operator";

/** All rows of an epoch as one batch, or null when the epoch brought no batch. Takes over its input. */
export async function epochRows(input: AsyncIterable<Batch>): Promise<Batch | null> {
  const all = await Array.fromAsync(input);
  const first = all[0];
  return first === undefined ? null : batches.concat(all, first.schema);
}
