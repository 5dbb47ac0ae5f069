import { batches } from "@sferic/bindings/batch";
import { checkExpressions, expressionColumns, Projection } from "@sferic/bindings/relational";
import { callable, defineTransform, Schema } from "@sferic/operator";
import { z } from "zod";
import { computedColumns } from "./computed-columns.ts";
import { inOrder } from "./in-order.ts";

const config = z.strictObject({
  columns: z
    .record(z.string().min(1), z.string().min(1))
    .refine((columns) => Object.keys(columns).length > 0, "needs at least one column")
    .describe("Output columns in order: name to SQL expression over the input's columns."),
});

/** Computes the output columns from each row; the order of rows stays. */
export const select = callable(
  defineTransform({
    type: "select",
    since: "0.1.0",
    status: "stable",
    summary: "Choose, rename and compute columns.",
    needs: "batch",
    config,
    output: ({ main }, c) => ({
      main: new Schema(computedColumns("columns", c.columns, (expressions) => checkExpressions(main!, expressions))),
    }),
    reads: ({ main }, c) => ({ main: expressionColumns(main!, Object.values(c.columns)) }),
    errors: ["expression-failed"],
    examples: [
      {
        title: "Rename, and energy in femtojoules",
        data: "glm-minute",
        config: { columns: { time: "flash_time", energy_fj: "flash_energy * 1e15" } },
      },
    ],
    create: (c) => {
      const projection = new Projection(c.columns, null);
      return {
        apply: (rows, { signal }) => inOrder(rows, (batch) => projection.apply(batch, signal)),
      };
    },
  }),
  () => Promise.resolve(batches),
);
