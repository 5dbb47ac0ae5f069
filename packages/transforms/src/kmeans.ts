import { batches } from "@sferic/bindings/batch";
import { kmeans as fitKmeans } from "@sferic/bindings/cluster";
import { callable, checkedPorts, column, ConfigError, defineTransform, port, Schema } from "@sferic/operator";
import { z } from "zod";
import { epochRows } from "./epoch-rows.ts";

const config = z.strictObject({
  columns: z.array(z.string()).min(1).describe("Numeric columns; each row is one point."),
  clusterCount: z.int().min(1).max(4096).describe("Number of clusters, k."),
  initializations: z
    .int()
    .min(1)
    .max(1000)
    .default(10)
    .describe("Independent k-means++ starts; the lowest inertia wins."),
  iterationsMax: z.int().min(1).default(300).describe("Stop after this many Lloyd iterations."),
  tolerance: z
    .number()
    .min(0)
    .default(1e-4)
    .describe("Stop when the squared centroid shift is at most this times the mean column variance."),
  initialCentroids: z
    .array(z.array(z.number()))
    .optional()
    .describe("Start here (k rows, one value per column) instead of k-means++."),
  seed: z.int().min(0).default(0).describe("The same seed and input give the same labels."),
});

/** k-means over all rows of an epoch. Rows with a null or non-finite coordinate get a null label. */
export const kmeans = callable(
  defineTransform({
    type: "kmeans",
    since: "0.1.0",
    status: "stable",
    summary: "Label each row with its nearest centroid.",
    needs: "epoch",
    ports: { centroids: "One row per cluster: its centre, its size, its inertia." },
    config,
    output: ({ main }, c) => {
      const centre = c.columns
        .flatMap((name) => main!.column(name) ?? [])
        .map(({ unit, name }) => column(name, "float64", unit === undefined ? {} : { unit }));
      const ports = {
        main: main!.append(column("cluster", "int32", { nullable: true })),
        centroids: new Schema([
          column("cluster", "int32"),
          ...centre,
          column("size", "int64"),
          column("inertia", "float64"),
        ]),
      };
      return checkedPorts(
        ports,
        () => main!.require(c.columns, "number"),
        () => checkNames(c.columns),
        () => checkInitialCentroids(c),
      );
    },
    errors: ["cluster-count-exceeds-rows"],
    examples: [
      {
        title: "Group flashes by place",
        data: "glm-minute",
        config: { columns: ["flash_lon", "flash_lat"], clusterCount: 12 },
      },
    ],
    create: (c) => ({
      async *apply(input, { signal }) {
        const rows = await epochRows(input);
        if (rows === null) return;
        const fit = await fitKmeans(rows, c, signal);
        rows.close();
        yield fit.labelled;
        yield port("centroids", fit.centroids);
      },
    }),
  }),
  () => Promise.resolve(batches),
);

/** The port `centroids` has the columns beside its own ones, so none may have the name of another. */
function checkNames(columns: readonly string[]): void {
  const problems = columns.flatMap((name, index) => {
    if (!["cluster", "size", "inertia", ...columns.slice(0, index)].includes(name)) return [];
    const message = `the port centroids would have two columns "${name}"; rename yours in a select before`;
    return [{ code: "column-conflict", message, pointer: `/columns/${index}` }];
  });
  if (problems.length > 0) throw new ConfigError(problems);
}

function checkInitialCentroids({ initialCentroids, clusterCount, columns }: z.output<typeof config>): void {
  if (initialCentroids === undefined) return;
  const fits =
    initialCentroids.length === clusterCount && initialCentroids.every((row) => row.length === columns.length);
  if (fits) return;
  const message = `initialCentroids must be ${clusterCount} rows of ${columns.length} values, as clusterCount and columns say`;
  throw new ConfigError([{ code: "invalid-value", message, pointer: "/initialCentroids" }]);
}
