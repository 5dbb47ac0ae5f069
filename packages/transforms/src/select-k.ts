import { batches } from "@sferic/bindings/batch";
import { selectK as scoreCounts } from "@sferic/bindings/cluster";
import { callable, checkedPorts, column, ConfigError, defineTransform, Schema } from "@sferic/operator";
import { z } from "zod";
import { epochRows } from "./epoch-rows.ts";

const count = z.int().min(1).max(4096);

const config = z.strictObject({
  columns: z.array(z.string()).min(1).describe("Numeric columns; each row is one point."),
  clusterCounts: z
    .union([
      z.strictObject({ from: count.describe("Smallest k."), to: count.describe("Largest k, included.") }),
      z.array(count).min(1),
    ])
    .describe("The k to try: a range with both ends, or a list."),
  initializations: z
    .int()
    .min(1)
    .max(1000)
    .default(10)
    .describe("Independent k-means++ starts per k; the lowest inertia wins."),
  iterationsMax: z.int().min(1).default(300).describe("Stop after this many Lloyd iterations."),
  tolerance: z
    .number()
    .min(0)
    .default(1e-4)
    .describe("Stop when the squared centroid shift is at most this times the mean column variance."),
  seed: z.int().min(0).default(0).describe("The same seed and input give the same rows."),
});

/**
 * Runs k-means for every k over all rows of an epoch: one row per k with inertia (elbow) and mean silhouette. `best`
 * marks the largest silhouette, `knee` the bend of the inertia curve (Kneedle; Satopää et al., 2011). Distances between
 * points are computed once for all k: O(rows²) time.
 */
export const selectK = callable(
  defineTransform({
    type: "select-k",
    since: "0.1.0",
    status: "stable",
    summary: "Try several numbers of clusters and mark the best.",
    needs: "epoch",
    config,
    output: ({ main }, c) => {
      const ports = {
        main: new Schema([
          column("k", "int32"),
          column("inertia", "float64"),
          column("silhouette", "float64", { nullable: true }),
          column("iterations", "int32"),
          column("best", "bool"),
          column("knee", "bool"),
        ]),
      };
      return checkedPorts(
        ports,
        () => main!.require(c.columns, "number"),
        () => checkClusterCounts(c),
      );
    },
    errors: ["cluster-count-exceeds-rows"],
    examples: [
      {
        title: "Elbow and silhouette for 2 to 8 clusters",
        data: "glm-minute",
        config: { columns: ["flash_lon", "flash_lat"], clusterCounts: { from: 2, to: 8 } },
      },
    ],
    create: (c) => ({
      async *apply(input, { signal }) {
        const rows = await epochRows(input);
        if (rows === null) return;
        yield await scoreCounts(rows, { ...c, clusterCounts: counts(c.clusterCounts) }, signal);
        rows.close();
      },
    }),
  }),
  () => Promise.resolve(batches),
);

function counts(wanted: z.output<typeof config>["clusterCounts"]): number[] {
  if (Array.isArray(wanted)) return [...new Set(wanted)].toSorted((a, b) => a - b);
  return Array.from({ length: wanted.to - wanted.from + 1 }, (_, index) => wanted.from + index);
}

function checkClusterCounts({ clusterCounts }: z.output<typeof config>): void {
  if (Array.isArray(clusterCounts) || clusterCounts.from <= clusterCounts.to) return;
  const message = `clusterCounts goes from ${clusterCounts.from} down to ${clusterCounts.to}; "from" must not be larger`;
  throw new ConfigError([{ code: "invalid-value", message, pointer: "/clusterCounts" }]);
}
