import { batches } from "@sferic/bindings/batch";
import { checkExpressions, expressionColumns, Projection, rowConditions } from "@sferic/bindings/relational";
import { callable, ConfigError, defineTransform } from "@sferic/operator";
import { z } from "zod";
import { coalesced } from "./coalesced.ts";
import { inOrder } from "./in-order.ts";

const config = z.strictObject({
  where: z.string().min(1).describe("SQL condition; rows for which it is true are kept, false and null are dropped."),
});

/** Keeps the rows for which a condition is true, in their order. */
export const filter = callable(
  defineTransform({
    type: "filter",
    since: "0.1.0",
    status: "stable",
    summary: "Keep the rows for which a condition is true.",
    needs: "batch",
    config,
    output: ({ main }, c) => {
      const { problems } = checkExpressions(main!, [{ expression: c.where, pointer: "/where", type: "bool" }]);
      if (problems.length > 0) throw new ConfigError(problems, { main: main! });
      return { main: main! };
    },
    reads: ({ main }, c, wanted) => ({ main: [...wanted, ...expressionColumns(main!, [c.where])] }),
    keeps: ({ main }, c) => rowConditions(main!, c.where),
    errors: ["expression-failed"],
    examples: [
      {
        title: "Flashes of good quality",
        data: "glm-minute",
        config: { where: "quality_flag = 0 AND flash_energy IS NOT NULL" },
      },
    ],
    create: (c) => {
      const projection = new Projection(null, c.where);
      return {
        apply: (rows, { signal }) => coalesced(inOrder(rows, (batch) => projection.apply(batch, signal))),
      };
    },
  }),
  () => Promise.resolve(batches),
);
