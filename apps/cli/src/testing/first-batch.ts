import { defineTransform } from "@sferic/operator";
import { z } from "zod";

/** What a plugin exports, for tests: an operator that hands on the first batch of an epoch. */
export const operators = [
  defineTransform({
    type: "first-batch",
    since: "1.0.0",
    status: "experimental",
    summary: "Hand on the first batch of an epoch.",
    needs: "batch",
    config: z.strictObject({}),
    errors: [],
    examples: [],
    output: ({ main }) => ({ main: main! }),
    create: () => ({
      async *apply(batches) {
        let isFirst = true;
        for await (const batch of batches) {
          if (isFirst) yield batch;
          else batch.close();
          isFirst = false;
        }
      },
    }),
  }),
];
