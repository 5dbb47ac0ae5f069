import { existsSync, writeFileSync } from "node:fs";
import { type Batch, defineTransform } from "@sferic/operator";
import { z } from "zod";

/** Kinds of mistakes that this process has made, which no checkpoint keeps: one that only a restart shows. */
const made = new Set<string>();

/** A plug-in whose first batch in each process comes twice, or not at all. */
export const forgetful = defineTransform({
  type: "forgetful",
  since: "0.1.0",
  status: "experimental",
  summary: "Treat the first batch in another way, and forget it when the process ends.",
  needs: "batch",
  config: z.strictObject({
    first: z.enum(["twice", "dropped"]),
    marker: z.string().optional().describe("A file that the first process makes; only those that find it do wrong."),
  }),
  output: (inputs) => ({ main: inputs["main"]! }),
  errors: [],
  examples: [],
  create: ({ first, marker }) => ({
    async *apply(batches) {
      for await (const batch of batches) {
        const isMade = made.has(first);
        made.add(first);
        if (isMade || (marker !== undefined && isFirstProcess(marker))) yield batch;
        else yield* wrong(batch, first);
      }
    },
  }),
});

function* wrong(batch: Batch, first: "twice" | "dropped"): Generator<Batch> {
  if (first === "dropped") return batch.close();
  yield batch.share();
  yield batch;
}

function isFirstProcess(marker: string): boolean {
  if (existsSync(marker)) return false;
  writeFileSync(marker, "");
  return true;
}
