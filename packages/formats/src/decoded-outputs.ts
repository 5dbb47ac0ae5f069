import type { Decoded } from "@sferic/bindings/netcdf";
import type { Batch, InvalidInput } from "@sferic/operator";

/** What files gave, as a format yields it: the rows, then the files that gave none. */
export async function* decodedOutputs(decoded: AsyncIterable<Decoded>): AsyncGenerator<Batch | InvalidInput> {
  for await (const { batches, invalid } of decoded) {
    yield* batches;
    for (const one of invalid) yield { invalid: one };
  }
}
