import { batches } from "@sferic/bindings/batch";
import { runQuery } from "@sferic/bindings/query";
import { callable, defineTransform, OperatorError } from "@sferic/operator";
import { z } from "zod";
import { keysOf, kinds, lookupParams, outputSchema, query, rightColumns } from "./join-columns.ts";
import { checkBounded, distancesOf, streamAdvice, streamParams, streamPorts, withinField } from "./join-streams.ts";
import { knownRows } from "./known-rows.ts";
import { lookedUp, lookupOrRows } from "./lookup-join.ts";
import { perSchema } from "./per-schema.ts";
import { stateBytesMaxField } from "./remembering.ts";
import { StreamJoin } from "./stream-join.ts";

const config = z.strictObject({
  on: z
    .union([z.array(z.string()).min(1), z.record(z.string().min(1), z.string().min(1))])
    .describe(
      "Columns that must be equal: names that both inputs have, or left name to right name. Null equals nothing.",
    ),
  kind: z
    .enum(kinds)
    .default("inner")
    .describe(
      "Which rows stay without a match: none (inner), those of the left input, of the right, or of both (full). semi keeps the left rows that have a match, anti those that have none; both give the left columns only.",
    ),
  suffix: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Put after the name of a right column when the left input has one of that name, which is an issue otherwise.",
    ),
  within: withinField.optional().describe("For two streams: how far apart in event time rows that meet may be."),
  stateBytesMax: stateBytesMaxField,
});

/** Guesses that make the query keep the right input and stream the left one. */
const rowCountHints = { left: 1e9, right: 1e5 };

/**
 * Joins the rows of two inputs within an epoch. The left columns come first, the key columns under their left names; then
 * the other right columns. The right input is kept, in memory or on disk, the left one streams. With a right input of up to
 * 1,000,000 rows, plain key types and few matches per row, the result is in the order of the left rows; otherwise in none.
 *
 * With `within` two streams are joined, from epoch to epoch: a row waits for its partners until the watermark says that no
 * more can come, in memory and in the checkpoint, about 24 bytes a row and 140 a key beside the columns. A row that is not after
 * the watermark of the epoch before is late. The keys are integers, booleans, text, dates or times, of the same type in both
 * inputs. The result is in the order of the left rows and their partners of before, then in that of the right rows.
 */
export const join = callable(
  defineTransform({
    type: "join",
    since: "0.1.0",
    status: "stable",
    summary: "Combine the rows of two inputs that are equal in some columns.",
    needs: "epoch",
    inputs: {
      left: "Rows that stream.",
      right: "Rows to look up in; kept until all left rows have passed.",
    },
    ports: {
      late: "Rows that came too late; with `within` only. The columns of the result, those of the other input null, then the name of the input and the watermark.",
      invalid: "Rows without event time; with `within` only. As late ones, without the watermark.",
    },
    config,
    meetsWithinMs: ({ within }) => (within === undefined ? undefined : Math.max(...Object.values(distancesOf(within)))),
    output: ({ left, right }, c, { streaming }) => {
      if (c.within !== undefined) return streamPorts(left!, right!, c, c.within, streaming);
      if (streaming !== undefined) checkBounded(streaming);
      return { main: outputSchema(left!, right!, c) };
    },
    reads: ({ left, right }, c, wanted): Record<string, string[]> => {
      // What is remembered must do for whatever the pipeline wants of it in a later run.
      if (c.within !== undefined) return {};
      const others = rightColumns(left!, right!, c).filter(({ name }) => wanted.includes(name));
      // A right column has another name only where a left one has its own.
      const namesakes = others.flatMap(({ column, name }) => (name === column.name ? [] : column.name));
      const own = wanted.filter((name) => left!.column(name) !== undefined);
      return {
        left: [...keysOf(c).map(([name]) => name), ...own, ...namesakes],
        right: [...keysOf(c).map(([, name]) => name), ...others.map((other) => other.column.name)],
      };
    },
    dependsOnOrder: () => false,
    limitFields: ["stateBytesMax"],
    errors: ["schema-unknown", "state-too-large"],
    examples: [
      {
        title: "Flashes at the same place, each with each",
        data: "glm-minute",
        config: { on: ["flash_lon", "flash_lat"], suffix: "_other" },
      },
      {
        title: "Rows that have a partner, by columns of different names",
        data: "glm-minute",
        config: { on: { flash_id: "flash_id" }, kind: "semi" },
      },
      {
        title: "Flashes of the same quality, each with those of the tenth of a second after it",
        data: "glm-minute",
        config: {
          on: ["quality_flag"],
          within: { left: "flash_time", right: "flash_time", after: "100 ms" },
          suffix: "_next",
        },
      },
    ],
    create: (c, { operatorId, memoryBytesMax, tempDirectory, keepsOrder }) => {
      const { within, stateBytesMax } = c;
      if (within !== undefined) {
        const limit = { operatorId, stateBytesMax, things: "rows", advice: streamAdvice } as const;
        return new StreamJoin((left, right) => streamParams(left, right, c, within), limit);
      }
      const plan = perSchema((left, right) => lookupParams(left!, right!, c));
      return {
        async *apply(_, { signal }, inputs) {
          const [left, right] = await Promise.all([knownRows(inputs["left"]!), knownRows(inputs["right"]!)]);
          if (left === null || right === null) return missing(left === null ? "left" : "right", left ?? right);
          const params = plan(left.schema, right.schema);
          const found = await lookupOrRows(left.schema, right, params);
          if ("lookup" in found) return yield* lookedUp(found.lookup, left, params.kind);
          const tables = {
            left: { ...left, rowCountHint: rowCountHints.left },
            right: { ...found, rowCountHint: rowCountHints.right },
          };
          const options = { signal, memoryBytesMax, tempDirectory, ordered: keepsOrder };
          yield* runQuery(tables, query(left.schema, right.schema, c), params.result, options);
        },
      };
    },
  }),
  () => Promise.resolve(batches),
);

/** Without the columns of one input there is an answer only when the other one has no batch either. */
function missing(input: string, other: unknown): void {
  if (other === null) return;
  const message = `The input "${input}" has no rows, and nothing tells its columns. Declare the schema of its source.`;
  throw new OperatorError({ code: "schema-unknown", message });
}
