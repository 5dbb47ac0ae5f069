import { type Step, stepsOf } from "./animation.ts";
import type { Geography } from "./geography.ts";
import type { Mark } from "./palette.ts";
import type { Cluster } from "./points.ts";
import type { Box } from "./projection.ts";
import type { Scene } from "./scene.ts";
import { timeSpan } from "./wording.ts";

/** What the script in the page gets, as JSON. Typed arrays travel as base64 of their little-endian bytes. */
export interface PageData {
  readonly centralLongitude: number;
  readonly stretch: number;
  readonly view: Box;
  readonly geography: Geography;
  readonly clusters: readonly (Cluster & Mark)[];
  /** Uint32; see `Points.offsets`. */
  readonly offsets: string;
  /** Float32, degrees. */
  readonly longitudes: string;
  readonly latitudes: string;
  readonly time?: PageTimes;
  /** The stretches of time to step through; empty when there are fewer than two. */
  readonly steps: readonly Step[];
}

/** Times of the drawn points: `origin + value · unit` milliseconds since 1970; the largest Uint32 stands for null. */
interface PageTimes {
  readonly origin: number;
  readonly unit: number;
  readonly values: string;
}

/** The data of a page: 12 or 16 bytes per drawn point before base64. */
export function pageDataOf(scene: Scene): PageData {
  const { points, view, geography, marks } = scene;
  const steps = stepsOf(points);
  const time = timesOf(scene);
  return {
    ...points.projection,
    view,
    geography,
    clusters: points.clusters.map((cluster, index) => ({ ...cluster, ...marks[index]! })),
    offsets: base64(points.offsets),
    longitudes: base64(points.longitudes),
    latitudes: base64(points.latitudes),
    ...(time === undefined ? {} : { time }),
    steps: steps.length > 1 ? steps : [],
  };
}

const noTime = 0xffff_ffff;

function timesOf({ points }: Scene): PageTimes | undefined {
  const span = timeSpan(points);
  if (span === undefined || points.times === undefined) return undefined;
  const origin = Math.floor(span[0]);
  const unit = Math.max(1, Math.ceil((span[1] - origin) / (noTime - 1)));
  const values = Uint32Array.from(points.times, (time) =>
    Number.isNaN(time) ? noTime : Math.floor((time - origin) / unit),
  );
  return { origin, unit, values: base64(values) };
}

function base64(values: Uint32Array | Float32Array): string {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64");
}
