import type { Decoded } from "@sferic/bindings/netcdf";
import type { Batch, InvalidInput } from "@sferic/operator";

/** What a group of files gave, as a format yields it: the rows, then the files that gave none. */
export function* decodedOutputs({ batch, invalid }: Decoded): Generator<Batch | InvalidInput> {
  if (batch !== null) yield batch;
  for (const one of invalid) yield { invalid: one };
}
