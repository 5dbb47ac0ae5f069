import { batches } from "@sferic/bindings/batch";
import type { Batch } from "@sferic/operator";

/** A batch of fewer rows costs what follows more for the call than for the rows. */
const smallRows = 8_192;

/** Rows of small batches that are put together. */
const enoughRows = 32_768;

/** The same rows in the same order, with small batches that follow one another put together. Copies those only. */
export async function* coalesced(rows: AsyncIterable<Batch>): AsyncGenerator<Batch> {
  let small: Batch[] = [];
  let count = 0;
  const together = (): Batch => {
    const [first] = small;
    const whole = small.length === 1 ? first! : batches.concat(small, first!.schema);
    [small, count] = [[], 0];
    return whole;
  };
  try {
    for await (const batch of rows) {
      const { rowCount } = batch;
      if (rowCount === 0 && small.length > 0) {
        batch.close();
        continue;
      }
      small.push(batch);
      count += rowCount;
      if (count >= enoughRows || rowCount >= smallRows) yield together();
    }
    if (small.length > 0) yield together();
  } finally {
    for (const batch of small) batch.close();
  }
}
