import { batches } from "@sferic/bindings/batch";
import { column, defineSource, schema } from "@sferic/operator";
import { z } from "zod";

const config = z.strictObject({
  rowCount: z.int().min(0).describe("Number of rows there are to read."),
});

const output = schema([column("n", "int32")]);

/** Where the rows come from. The offset is the number of rows read so far. */
export const templateName = defineSource({
  type: "template-name",
  since: "0.1.0",
  status: "experimental",
  summary: "Count upwards from 0.",
  config,
  output: () => ({ main: output }),
  errors: [],
  examples: [{ title: "Ten rows", config: { rowCount: 10 } }],
  create: (c) => ({
    latestOffset: async (previous, { rowsPerEpoch = c.rowCount }, until) => {
      const start = Number(previous ?? 0);
      const end = Math.min(c.rowCount, start + rowsPerEpoch, Number(until ?? c.rowCount));
      return end > start ? end : null;
    },
    async *read(start, end) {
      const first = Number(start ?? 0);
      const rows = Array.from({ length: Number(end) - first }, (_, row) => ({ n: first + row }));
      yield batches.fromRows(output, rows);
    },
  }),
});
