import { batches } from "@sferic/bindings/batch";
import { standardize as standardizeRows } from "@sferic/bindings/cluster";
import { callable, checkedPorts, column, defineTransform, isKind, Schema } from "@sferic/operator";
import { z } from "zod";
import { epochRows } from "./epoch-rows.ts";

const config = z.strictObject({
  columns: z.array(z.string()).min(1).describe("Numeric columns to shift and scale, in place."),
});

/**
 * Shifts columns to mean 0 and scales them to standard deviation 1 (population), over all rows of an epoch. Nulls stay
 * null and do not count; a column of equal values becomes 0. The columns become float64 without a unit.
 */
export const standardize = callable(
  defineTransform({
    type: "standardize",
    since: "0.1.0",
    status: "stable",
    summary: "Shift columns to mean 0 and scale them to standard deviation 1.",
    needs: "epoch",
    config,
    output: ({ main }, c) => {
      const scaled = main!.columns.map((one) =>
        c.columns.includes(one.name) && isKind(one.type, "number")
          ? column(one.name, "float64", { nullable: one.nullable })
          : one,
      );
      return checkedPorts({ main: new Schema(scaled) }, () => main!.require(c.columns, "number"));
    },
    errors: [],
    examples: [
      { title: "Before clustering by place", data: "glm-minute", config: { columns: ["flash_lon", "flash_lat"] } },
    ],
    create: (c) => ({
      async *apply(input) {
        const rows = await epochRows(input);
        if (rows === null) return;
        yield await standardizeRows(rows, c.columns);
        rows.close();
      },
    }),
  }),
  () => Promise.resolve(batches),
);
