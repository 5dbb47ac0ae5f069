import type { Decoded } from "@sferic/bindings/netcdf";
import type { Batch, InvalidInput } from "@sferic/operator";

/** What files gave, as a format yields it: the rows, then the files that gave none. */
export async function* decodedOutputs(decoded: AsyncIterable<Decoded>): AsyncGenerator<Batch | InvalidInput> {
  for await (const { batch, invalid } of decoded) {
    if (batch !== null) yield batch;
    for (const one of invalid) yield { invalid: one };
  }
}
