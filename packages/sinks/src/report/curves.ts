import type { Choice } from "./choice.ts";
import { quantity } from "./wording.ts";

/** What one curve over k shows. */
export type Measure = "inertia" | "silhouette";

/** A value of k worth pointing at. */
export interface Landmark {
  readonly k: number;
  readonly text: string;
  readonly kind: "best" | "knee" | "used";
}

/** A curve over k in its own units, for any renderer. */
export interface Curve {
  readonly measure: Measure;
  readonly title: string;
  readonly xTitle: string;
  readonly yTitle: string;
  /** Values that exist, by ascending k. */
  readonly samples: readonly { readonly k: number; readonly value: number }[];
  readonly xTicks: readonly number[];
  readonly yTicks: readonly { readonly value: number; readonly text: string }[];
  readonly xRange: readonly [low: number, high: number];
  readonly yRange: readonly [low: number, high: number];
  /** By ascending k. */
  readonly landmarks: readonly Landmark[];
}

/**
 * The elbow curve (inertia, from zero up) or the silhouette curve (over the range that occurs), with the best k, the
 * knee, and `usedK`, the number of clusters in the data shown, marked. Undefined when the measure has no value at all.
 */
export function curveOf(choice: Choice, measure: Measure, usedK: number): Curve | undefined {
  const samples = choice.k
    .map((k, index) => ({ k, value: choice[measure][index]! }))
    .filter(({ value }) => Number.isFinite(value));
  if (samples.length === 0) return undefined;
  const values = samples.map(({ value }) => value);
  const [first, last] = [choice.k[0]!, choice.k.at(-1)!];
  const low = measure === "inertia" ? 0 : Math.min(...values);
  const ticks = niceTicks(low, Math.max(...values));
  const unit = choice.inertiaUnit === undefined ? "" : `, ${choice.inertiaUnit}`;
  return {
    measure,
    title: measure === "inertia" ? "Elbow: how tight the clusters are" : "Silhouette: how well the clusters part",
    xTitle: "Number of clusters, k",
    yTitle:
      measure === "inertia"
        ? `Inertia (sum of squared distances${unit}; lower is tighter)`
        : "Mean silhouette (−1 to 1; higher is better)",
    samples,
    xTicks: integerTicks(first, last),
    yTicks: ticks.map((value) => ({ value, text: tickText(value, ticks[1]! - ticks[0]!) })),
    xRange: first === last ? [first - 1, last + 1] : [first, last],
    yRange: [ticks[0]!, ticks.at(-1)!],
    landmarks: landmarksOf(choice, usedK),
  };
}

function landmarksOf(choice: Choice, usedK: number): Landmark[] {
  const landmarks: Landmark[] = [];
  const { best, knee } = choice;
  if (best !== null && best === knee) {
    landmarks.push({ k: best, text: `chosen: best silhouette and knee, k = ${best}`, kind: "best" });
  } else {
    if (best !== null) landmarks.push({ k: best, text: `chosen: best silhouette, k = ${best}`, kind: "best" });
    if (knee !== null) landmarks.push({ k: knee, text: `knee, k = ${knee}`, kind: "knee" });
  }
  if (choice.k.includes(usedK) && usedK !== best && usedK !== knee) {
    landmarks.push({ k: usedK, text: `on the map, k = ${usedK}`, kind: "used" });
  }
  return landmarks.toSorted((a, b) => a.k - b.k);
}

/** Round values from at most `low` to at least `high` in steps of 1, 2 or 5 times a power of ten: 4 to 8 of them. */
export function niceTicks(low: number, high: number): number[] {
  const span = high - low || Math.abs(high) || 1;
  const magnitude = 10 ** Math.floor(Math.log10(span / 5));
  const step = [1, 2, 5, 10].map((factor) => factor * magnitude).find((candidate) => span / candidate <= 6 + 1e-9)!;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  // Multiplying and rounding keeps 0.3 from becoming 0.30000000000000004.
  return Array.from({ length: last - first + 1 }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

/** A tick with as many decimals as the step between ticks has. */
export function tickText(value: number, step: number): string {
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return Math.abs(value) >= 100 ? quantity(value) : value.toFixed(decimals);
}

function integerTicks(first: number, last: number): number[] {
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((candidate) => (last - first) / candidate <= 11) ?? 1000;
  const ticks: number[] = [];
  for (let k = Math.ceil(first / step) * step; k <= last; k += step) ticks.push(k);
  return ticks;
}

/** Where a curve is drawn inside a picture of a given size: the plotting area and the two scales. */
export interface Plot {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  x(k: number): number;
  y(value: number): number;
}

/** The plot of a curve between four edges, with room inside for the outermost markers. */
export function plotOf(curve: Curve, left: number, top: number, right: number, bottom: number): Plot {
  const inset = 14;
  const [firstK, lastK] = curve.xRange;
  const [low, high] = curve.yRange;
  return {
    left,
    top,
    right,
    bottom,
    x: (k) => left + inset + ((k - firstK) / (lastK - firstK)) * (right - left - 2 * inset),
    y: (value) => bottom - ((value - low) / (high - low)) * (bottom - top),
  };
}
