import { batches } from "@sferic/bindings/batch";
import { callable, defineTransform } from "@sferic/operator";
import { z } from "zod";

const config = z.strictObject({
  columns: z.array(z.string()).min(1).describe("Columns that the rows must have."),
});

/** What happens to the rows, and what it costs where that is not constant. */
export const templateName = callable(
  defineTransform({
    type: "template-name",
    since: "0.1.0",
    status: "experimental",
    summary: "Pass rows on that have the columns.",
    needs: "batch",
    config,
    output: ({ main }, c) => ({ main: main!.require(c.columns) }),
    errors: [],
    examples: [{ title: "Flashes with a place", data: "glm-minute", config: { columns: ["flash_lon", "flash_lat"] } }],
    create: () => ({
      async *apply(input) {
        yield* input;
      },
    }),
  }),
  () => Promise.resolve(batches),
);
