import { batches } from "@sferic/bindings/batch";
import { checkExpressions, Projection } from "@sferic/bindings/relational";
import { callable, ConfigError, defineTransform, Schema } from "@sferic/operator";
import { z } from "zod";

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
    output: ({ main }, c) => {
      const named = Object.entries(c.columns);
      const places = named.map(([name, expression]) => ({ expression, pointer: `/columns/${escaped(name)}` }));
      const { columns, problems } = checkExpressions(main!, places);
      if (problems.length > 0) throw new ConfigError(problems);
      return { main: new Schema(columns.map((column, index) => ({ ...column, name: named[index]![0] }))) };
    },
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
        async *apply(rows, { signal }) {
          for await (const batch of rows) yield await projection.apply(batch, signal);
        },
      };
    },
  }),
  () => Promise.resolve(batches),
);

/** A name as one part of a JSON pointer (RFC 6901). */
function escaped(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}
