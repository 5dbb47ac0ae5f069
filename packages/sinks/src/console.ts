import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Batch, defineSink, type OperatorContext, type Row, rowsOf, type Sink } from "@sferic/operator";
import { z } from "zod";
import { textTable } from "./console/text-table.ts";

const config = z.strictObject({
  format: z
    .strictObject({ type: z.enum(["table", "json"]).describe("`table` for people, `json` for programs.") })
    .default({ type: "table" })
    .describe('`{ "type": "json" }` prints one line `{ "sink", "epoch", "row" }` per row.'),
  rowsMax: z
    .int()
    .min(0)
    .optional()
    .describe("Most rows to print per epoch; 20 for tables, all for JSON when left out."),
});

const tableRowsMax = 20;

/** Prints rows to standard output, epoch by epoch. */
export const console = defineSink({
  type: "console",
  since: "0.1.0",
  status: "stable",
  summary: "Print rows to standard output.",
  delivery: {
    guarantee: "at-least-once",
    why: "what is printed cannot be taken back: an epoch that is published again is printed again",
  },
  config,
  outputModes: () => ["update", "complete"],
  errors: [],
  examples: [{ title: "Lines of JSON", config: { format: { type: "json" } } }],
  create: (c, context) => createConsole(c, context),
});

function createConsole(c: z.output<typeof config>, context: OperatorContext): Sink {
  const path = (epoch: number): string => join(context.scratchDirectory, `${epoch}.txt`);
  const limit = c.rowsMax ?? (c.format.type === "table" ? tableRowsMax : Number.POSITIVE_INFINITY);
  return {
    async stage(batches, epoch) {
      const { rows, count } = await firstRows(batches, limit);
      if (count === 0) return null;
      const sink = context.operatorId;
      const lines = rows.map((row) => `${JSON.stringify({ sink, epoch: epoch.id, row })}\n`).join("");
      const text =
        c.format.type === "json" ? lines : textTable(rows, `${sink}, epoch ${epoch.id}: ${count} rows`, count);
      await writeFile(path(epoch.id), text, { flush: true });
      return { rows: count, record: null };
    },
    async publish(_, epoch) {
      process.stdout.write(await readFile(path(epoch.id), "utf8"));
      return { files: [] };
    },
    discard: (epoch) => rm(path(epoch), { force: true }),
  };
}

async function firstRows(batches: AsyncIterable<Batch>, limit: number): Promise<{ rows: Row[]; count: number }> {
  const rows: Row[] = [];
  let count = 0;
  for await (const batch of batches) {
    rows.push(...rowsOf(batch, limit - rows.length));
    count += batch.rowCount;
    batch.close();
  }
  return { rows, count };
}
