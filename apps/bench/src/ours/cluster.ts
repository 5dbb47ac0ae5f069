/**
 * Sferic's side of the cluster scenarios, as a program of a user calls it: `cluster.ts kmeans|sweep|silhouette FILE`, FILE
 * as peers/cluster.py makes it. The points are a batch that the core holds; the repetition's number is the seed.
 */
import { readFileSync } from "node:fs";
import { makeTable } from "apache-arrow";
import { batches } from "@sferic/bindings/batch";
import { kmeans, selectK, silhouette } from "@sferic/bindings/cluster";
import { serve } from "./serve.ts";

const [task = "", file = ""] = process.argv.slice(2);
const columns = ["longitude", "latitude"];
const common = { columns, initializations: 10, iterationsMax: 300, tolerance: 1e-4 };
const points = bytesOf(file);
const rows = points.byteLength / 16;
const batch = batches.fromArrow(
  makeTable({
    longitude: new Float64Array(points, 0, rows),
    latitude: new Float64Array(points, rows * 8, rows),
    label: new Int32Array(bytesOf(`${file}.labels`)),
  }),
);

/** A file in memory that starts at a multiple of eight bytes. */
function bytesOf(path: string): ArrayBuffer {
  const bytes = readFileSync(path);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
}

const tasks: Record<string, (seed: number) => Promise<object>> = {
  kmeans: async (seed) => {
    const { labelled, centroids, inertia, iterations } = await kmeans(batch, { ...common, clusterCount: 12, seed });
    labelled.close();
    centroids.close();
    return { rows, inertia, iterations };
  },
  sweep: async (seed) => {
    const clusterCounts = Array.from({ length: 23 }, (_, index) => index + 1);
    const choice = await selectK(batch, { ...common, clusterCounts, seed });
    const inertias = [...choice.column("inertia").values].map(Number);
    const silhouettes = [...choice.column("silhouette").values].slice(1).map(Number);
    choice.close();
    return { rows, inertias, silhouettes };
  },
  silhouette: async (seed) => {
    const { scored, score } = await silhouette(batch, { columns, labels: "label", seed });
    const value = Number(score.column("silhouette").values[0]);
    scored.close();
    score.close();
    return { rows, silhouette: value };
  },
};

const work = tasks[task];
if (work === undefined) throw new Error(`No task "${task}".`);
await serve({ versions: {}, work, values: (result) => result });
