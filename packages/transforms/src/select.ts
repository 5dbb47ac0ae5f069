import { batches } from "@sferic/bindings/batch";
import { checkExpressions, expressionColumns, Projection } from "@sferic/bindings/relational";
import { batchWithTime } from "@sferic/bindings/reshape";
import { callable, column, defineTransform, Schema } from "@sferic/operator";
import { z } from "zod";
import { computedColumns } from "./computed-columns.ts";
import { inOrder } from "./in-order.ts";
import { perSchema } from "./per-schema.ts";

const config = z.strictObject({
  columns: z
    .record(z.string().min(1), z.string().min(1))
    .refine((columns) => Object.keys(columns).length > 0, "needs at least one column")
    .describe(
      "Output columns in order: name to SQL expression over the input's columns and `epoch_time`, the time at which the epoch was planned (`timestamp[ms, UTC]`).",
    ),
});

/** What expressions may call the epoch's time, where the input has no column of that name. */
const epochTime = "epoch_time";

/**
 * Computes the output columns from each row; the order of rows stays. `epoch_time` is the same for all rows of an epoch, however
 * often it is computed: it stands in the checkpoint.
 */
export const select = callable(
  defineTransform({
    type: "select",
    since: "0.1.0",
    status: "stable",
    summary: "Choose, rename and compute columns.",
    needs: "batch",
    config,
    output: ({ main }, c) => ({
      main: new Schema(
        computedColumns("columns", c.columns, (expressions) => checkExpressions(visible(main!), expressions)),
      ),
    }),
    reads: ({ main }, c) => ({
      main: expressionColumns(visible(main!), Object.values(c.columns)).filter((name) => main!.column(name)),
    }),
    errors: ["expression-failed"],
    examples: [
      {
        title: "Rename, and energy in femtojoules",
        data: "glm-minute",
        config: { columns: { time: "flash_time", energy_fj: "flash_energy * 1e15" } },
      },
      {
        title: "When rows were taken, in nanoseconds since 1970",
        data: "glm-minute",
        config: { columns: { id: "flash_id", taken_ns: "epoch_ms(epoch_time) * 1000000" } },
      },
    ],
    create: (c) => {
      const projection = new Projection(c.columns, null);
      const needsTime = perSchema((schema) => {
        const isOwn = schema.column(epochTime) !== undefined;
        return !isOwn && expressionColumns(visible(schema), Object.values(c.columns)).includes(epochTime);
      });
      return {
        apply: (rows, { signal, timeMs }) =>
          inOrder(rows, (batch) => {
            const timed = needsTime(batch.schema) ? batchWithTime(batch, epochTime, timeMs) : batch;
            return projection.apply(timed, signal);
          }),
      };
    },
  }),
  () => Promise.resolve(batches),
);

/** The columns that expressions can use. */
function visible(main: Schema): Schema {
  return main.column(epochTime) === undefined ? main.append(column(epochTime, "timestamp[ms, UTC]")) : main;
}
