/** Prints what k-means, silhouette and select-k answer on points enough for several threads, as one line of JSON. */
import { createHash } from "node:crypto";
import { type Table, tableFromArrays } from "apache-arrow";
import { kmeans } from "../kmeans.ts";
import { selectK } from "../select-k.ts";
import { silhouette } from "../silhouette.ts";

/** Points that wander about six places. */
function points(rowCount: number): Table {
  const wander = (row: number, phase: number): number => Math.sin(row * 12.9898 + phase) * Math.sin(row * 78.233);
  const x = Float64Array.from({ length: rowCount }, (_, row) => (row % 6) * 3 + wander(row, 0));
  const y = Float64Array.from({ length: rowCount }, (_, row) => (row % 2) * 4 + wander(row, 1));
  return tableFromArrays({ x, y });
}

/** SHA-256 of the exact values of a column. */
function digest(table: Table, name: string): string {
  const hash = createHash("sha256");
  for (const { values } of table.getChild(name)!.data) hash.update(values as Uint8Array);
  return hash.digest("hex");
}

const columns = ["x", "y"];
const fit = await kmeans.run(points(60_000), { columns, clusterCount: 8, initializations: 3 });
const some = await kmeans.run(points(3000), { columns, clusterCount: 6 });
const scores = await silhouette.run(some.main, { columns });
const sweep = await selectK.run(points(3000), { columns, clusterCounts: { from: 2, to: 8 }, initializations: 3 });

console.log(
  JSON.stringify({
    labels: digest(fit.main, "cluster"),
    inertias: Array.from(fit["centroids"]!.getChild("inertia")!),
    silhouettes: digest(scores.main, "silhouette"),
    score: scores["score"]!.getChild("silhouette")!.get(0),
    sweep: sweep.main.toString(),
  }),
);
