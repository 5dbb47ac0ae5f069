import { readFile, truncate } from "node:fs/promises";

/** A pipeline that makes three epochs of thirty numbers. */
export const threeEpochs = {
  name: "p",
  sources: { numbers: { type: "numbers", rowsPerEpoch: 10 } },
  sinks: { a: { type: "keeper", from: "numbers" } },
  run: { trigger: "available-now" },
};

/** Cuts the end off a record, as a power failure may. */
export async function tear(path: string): Promise<void> {
  await truncate(path, (await readFile(path)).length - 3);
}
