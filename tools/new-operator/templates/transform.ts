import { batches } from "@sferic/bindings/batch";
import { callable, defineTransform } from "@sferic/operator";
import { z } from "zod";

const config = z.strictObject({
  columns: z.array(z.string()).min(1).describe("Columns to keep, in this order."),
});

/** What happens to the rows, and what it costs where that is not constant. */
export const templateName = callable(
  defineTransform({
    type: "template-name",
    since: "0.1.0",
    status: "experimental",
    summary: "Keep some columns.",
    needs: "batch",
    config,
    output: ({ main }, c) => ({ main: main!.require(c.columns) }),
    errors: [],
    examples: [{ title: "Where flashes are", data: "glm-minute", config: { columns: ["flash_lon", "flash_lat"] } }],
    create: () => ({
      async *apply(input) {
        yield* input;
      },
    }),
  }),
  () => Promise.resolve(batches),
);
