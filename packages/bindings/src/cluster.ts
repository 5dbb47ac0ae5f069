import type { Batch } from "@sferic/operator";
import { fromHandle, handleOf } from "./batch.ts";
import { cancellable } from "./cancel.ts";
import { unwrapped } from "./errors.ts";
import * as native from "./native.ts";

/** Options of {@link kmeans}; see the transform of that name for meaning and defaults. */
export interface KMeansOptions {
  readonly columns: readonly string[];
  readonly clusterCount: number;
  readonly initializations: number;
  readonly iterationsMax: number;
  readonly tolerance: number;
  readonly seed: number;
  /** k rows of one value per column. */
  readonly initialCentroids?: readonly (readonly number[])[];
}

/** Result of {@link kmeans}; both batches are the caller's to close. */
export interface KMeansFit {
  /** The input with `cluster: int32`, null where a coordinate is null or not finite. */
  readonly labelled: Batch;
  /** One row per cluster: `cluster`, the columns, `size`, `inertia`. */
  readonly centroids: Batch;
  /** Sum of squared distances to the nearest centroid. */
  readonly inertia: number;
  readonly iterations: number;
}

/** k-means over the rows of a batch (Lloyd from greedy k-means++; Arthur and Vassilvitskii, 2007). Leaves the batch open. */
export async function kmeans(batch: Batch, options: KMeansOptions, signal?: AbortSignal): Promise<KMeansFit> {
  const { columns, initialCentroids, ...numbers } = options;
  const checked = { ...numbers, columns: [...columns], ...flattened(initialCentroids) };
  const fit = await cancellable(signal, (token) => native.kmeans(handleOf(batch), checked, token));
  return {
    labelled: fromHandle(fit.labelled),
    centroids: fromHandle(fit.centroids),
    inertia: fit.inertia,
    iterations: fit.iterations,
  };
}

/** Options of {@link silhouette}. */
export interface SilhouetteOptions {
  readonly columns: readonly string[];
  /** Integer column of cluster labels; negative or null: no cluster. */
  readonly labels: string;
  /** Score this many rows, drawn by `seed`, instead of all. */
  readonly sample?: number;
  readonly seed: number;
}

/** Result of {@link silhouette}; both batches are the caller's to close. */
export interface SilhouetteFit {
  /** The input with `silhouette: float64`, null where it was not scored. */
  readonly scored: Batch;
  /** One row: `silhouette`, `cluster_count`, `row_count`. */
  readonly score: Batch;
}

/** Silhouette of every row (Rousseeuw, 1987), Euclidean. O(rows²) time, O(rows × clusters) memory. Leaves the batch open. */
export async function silhouette(
  batch: Batch,
  options: SilhouetteOptions,
  signal?: AbortSignal,
): Promise<SilhouetteFit> {
  const checked = { ...options, columns: [...options.columns] };
  const fit = await cancellable(signal, (token) => native.silhouette(handleOf(batch), checked, token));
  return { scored: fromHandle(fit.scored), score: fromHandle(fit.score) };
}

/** Options of {@link selectK}. */
export interface SelectKOptions extends Omit<KMeansOptions, "clusterCount" | "initialCentroids"> {
  readonly clusterCounts: readonly number[];
}

/** One row per k: `k, inertia, silhouette, iterations, best, knee`. Leaves the batch open. */
export async function selectK(batch: Batch, options: SelectKOptions, signal?: AbortSignal): Promise<Batch> {
  const checked = { ...options, columns: [...options.columns], clusterCounts: [...options.clusterCounts] };
  return fromHandle(await cancellable(signal, (token) => native.selectK(handleOf(batch), checked, token)));
}

/** The batch with the columns shifted to mean 0 and scaled to population standard deviation 1, as float64. */
export async function standardize(batch: Batch, columns: readonly string[]): Promise<Batch> {
  return fromHandle(await unwrapped(native.standardize(handleOf(batch), [...columns])));
}

function flattened(centroids: KMeansOptions["initialCentroids"]): { initialCentroids?: Float64Array } {
  return centroids === undefined ? {} : { initialCentroids: Float64Array.from(centroids.flat()) };
}
