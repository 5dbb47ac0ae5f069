import { batches } from "@sferic/bindings/batch";
import { silhouette as scoreSilhouette } from "@sferic/bindings/cluster";
import { callable, checkedPorts, column, defineTransform, port, Schema } from "@sferic/operator";
import { z } from "zod";
import { epochRows } from "./epoch-rows.ts";

const config = z.strictObject({
  columns: z.array(z.string()).min(1).describe("Numeric columns; each row is one point."),
  labels: z.string().default("cluster").describe("Integer column that says which cluster a row belongs to."),
  sample: z
    .int()
    .min(2)
    .optional()
    .describe("Score this many rows, drawn at random, instead of all; the cost grows with the square of the rows."),
  seed: z.int().min(0).default(0).describe("Chooses the sample."),
});

/** Silhouette (Rousseeuw, 1987) of every row of an epoch, Euclidean: from -1 (wrong cluster) to 1 (well inside). */
export const silhouette = callable(
  defineTransform({
    type: "silhouette",
    since: "0.1.0",
    status: "stable",
    summary: "Score how well each row sits in its cluster.",
    needs: "epoch",
    ports: { score: "One row: mean silhouette, number of clusters, number of rows." },
    config,
    output: ({ main }, c) => {
      const ports = {
        main: main!.append(column("silhouette", "float64", { nullable: true })),
        score: new Schema([
          column("silhouette", "float64", { nullable: true }),
          column("cluster_count", "int64"),
          column("row_count", "int64"),
        ]),
      };
      return checkedPorts(
        ports,
        () => main!.require(c.columns, "number"),
        () => main!.requireOne(c.labels, "integer", "/labels"),
      );
    },
    errors: ["silhouette-needs-two-clusters"],
    examples: [
      {
        title: "How well blobs are separated",
        data: "blobs",
        config: { columns: ["x", "y"], labels: "blob" },
      },
    ],
    create: (c) => ({
      async *apply(input, { signal }) {
        const rows = await epochRows(input);
        if (rows === null) return;
        const fit = await scoreSilhouette(rows, c, signal);
        rows.close();
        yield fit.scored;
        yield port("score", fit.score);
      },
    }),
  }),
  () => Promise.resolve(batches),
);
