import type { Batch, ColumnValues, ColumnView, Schema } from "@sferic/operator";
import { mulberry32 } from "./random.ts";
import { Extent, type MapProjection, projectionFor, wrap } from "./projection.ts";

/** Which columns hold what; `time` is ignored when the input has no such column. */
export interface PointColumns {
  readonly longitude: string;
  readonly latitude: string;
  readonly label: string;
  readonly time: string;
}

/** One cluster over all rows, drawn or not. */
export interface Cluster {
  /** The label as it stands in the input; null for the points that have none. */
  readonly label: number | null;
  readonly size: number;
  /** Mean position, degrees east in [-180, 180) and degrees north; correct across the date line. */
  readonly longitude: number;
  readonly latitude: number;
}

/** What the report draws: typed arrays of the drawn points, grouped by cluster, and sums over all rows. */
export interface Points {
  /** Rows seen, with or without a place. */
  readonly rowCount: number;
  /** Rows left out because longitude or latitude is null, not finite, or a latitude beyond the poles. */
  readonly misplacedCount: number;
  /** By label, ascending; the points without a label, if any, come last. */
  readonly clusters: readonly Cluster[];
  /** Drawn points of cluster i stand at offsets[i] up to (not including) offsets[i + 1]. */
  readonly offsets: Uint32Array;
  /** Degrees east in [-180, 180), degrees north; one value per drawn point. */
  readonly longitudes: Float32Array;
  readonly latitudes: Float32Array;
  /** Milliseconds since 1970, NaN where null; absent when the input has no time column. */
  readonly times?: Float64Array;
  /** Rows with a place and a time per UTC hour since 1970, ascending. */
  readonly hours: ReadonlyMap<number, number>;
  readonly extent: Extent;
  readonly projection: MapProjection;
}

/**
 * Takes in batches of points, any number of rows in memory bounded by `pointsMax` and the number of clusters and hours.
 * Which points are kept for drawing is a uniform sample (Vitter 1985, algorithm R) that depends only on the seed and
 * the order of rows, not on how they are cut into batches.
 */
export class PointCollector {
  readonly #columns: PointColumns;
  readonly #random: () => number;
  readonly #sample: Sample;
  readonly #sums = new Map<number, ClusterSum>();
  readonly #extent = new Extent();
  readonly #hours = new Map<number, number>();
  #rowCount = 0;
  #placedCount = 0;
  #hasTime = false;

  constructor(columns: PointColumns, pointsMax: number, seed: number) {
    this.#columns = columns;
    this.#sample = new Sample(pointsMax);
    this.#random = mulberry32(seed);
  }

  /** Copies what is needed; does not close the batch. Throws `unknown-column` or `column-type` as batches do. */
  add(batch: Batch): void {
    const longitudes = batch.column(this.#columns.longitude);
    const latitudes = batch.column(this.#columns.latitude);
    const labels = batch.column(this.#columns.label);
    const times = timeColumn(batch, this.#columns.time);
    this.#hasTime ||= times !== undefined;
    for (let row = 0; row < batch.rowCount; row++) {
      const longitude = isValid(longitudes, row) ? Number(longitudes.values[row]) : NaN;
      const latitude = isValid(latitudes, row) ? Number(latitudes.values[row]) : NaN;
      if (!Number.isFinite(longitude) || !(Math.abs(latitude) <= 90)) continue;
      const label = isValid(labels, row) ? Number(labels.values[row]) : NaN;
      const time = times === undefined || !isValid(times, row) ? NaN : Number(times.values[row]) * times.milliseconds;
      this.#take(wrap(longitude), latitude, label, time);
    }
    this.#rowCount += batch.rowCount;
  }

  #take(longitude: number, latitude: number, label: number, time: number): void {
    this.#extent.add(longitude, latitude);
    let sum = this.#sums.get(label);
    if (sum === undefined) this.#sums.set(label, (sum = new ClusterSum(longitude)));
    sum.add(longitude, latitude);
    if (!Number.isNaN(time)) {
      const hour = Math.floor(time / hourMs);
      this.#hours.set(hour, (this.#hours.get(hour) ?? 0) + 1);
    }
    const slot = this.#sample.slotFor(this.#placedCount, this.#random);
    if (slot >= 0) this.#sample.put(slot, longitude, latitude, label, time);
    this.#placedCount += 1;
  }

  /** Everything gathered so far. O(drawn points + clusters · log clusters). */
  finish(): Points {
    const labels = [...this.#sums.keys()].toSorted(nanLast);
    const clusters = labels.map((label) => this.#sums.get(label)!.cluster(label));
    const grouped = this.#sample.groupBy(new Map(labels.map((label, index) => [label, index])));
    return {
      rowCount: this.#rowCount,
      misplacedCount: this.#rowCount - this.#placedCount,
      clusters,
      offsets: grouped.offsets,
      longitudes: grouped.longitudes,
      latitudes: grouped.latitudes,
      ...(this.#hasTime ? { times: grouped.times } : {}),
      hours: new Map([...this.#hours].toSorted(([a], [b]) => a - b)),
      extent: this.#extent,
      projection: projectionFor(this.#extent),
    };
  }
}

/** Clusters that have a label. */
export function labelled(points: Points): Cluster[] {
  return points.clusters.filter((cluster) => cluster.label !== null);
}

/** Rows with a place. */
export function placedCount(points: Points): number {
  return points.rowCount - points.misplacedCount;
}

export const hourMs = 3_600_000;

/** Running mean of one cluster; longitudes are counted from the first one, so that the date line does not matter. */
class ClusterSum {
  readonly #origin: number;
  #size = 0;
  #east = 0;
  #north = 0;

  constructor(origin: number) {
    this.#origin = origin;
  }

  add(longitude: number, latitude: number): void {
    this.#size += 1;
    this.#east += wrap(longitude - this.#origin);
    this.#north += latitude;
  }

  cluster(label: number): Cluster {
    return {
      label: Number.isNaN(label) ? null : label,
      size: this.#size,
      longitude: wrap(this.#origin + this.#east / this.#size),
      latitude: this.#north / this.#size,
    };
  }
}

/** At most `capacity` points as columns; memory grows with what is really there. */
class Sample {
  readonly #capacity: number;
  #longitudes = new Float32Array(1024);
  #latitudes = new Float32Array(1024);
  #labels = new Float64Array(1024);
  #times = new Float64Array(1024);
  #length = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Where the point number `seen` (from 0) goes, or -1 when it is not kept. */
  slotFor(seen: number, random: () => number): number {
    if (seen < this.#capacity) return seen;
    const slot = Math.floor(random() * (seen + 1));
    return slot < this.#capacity ? slot : -1;
  }

  put(slot: number, longitude: number, latitude: number, label: number, time: number): void {
    if (slot >= this.#longitudes.length) this.#grow();
    this.#longitudes[slot] = longitude;
    this.#latitudes[slot] = latitude;
    this.#labels[slot] = label;
    this.#times[slot] = time;
    if (slot >= this.#length) this.#length = slot + 1;
  }

  /** The points in order of their group, by counting sort. */
  groupBy(groups: ReadonlyMap<number, number>): {
    offsets: Uint32Array;
    longitudes: Float32Array;
    latitudes: Float32Array;
    times: Float64Array;
  } {
    const count = this.#length;
    const group = Uint32Array.from({ length: count }, (_, index) => groups.get(this.#labels[index]!)!);
    const offsets = new Uint32Array(groups.size + 1);
    for (let index = 0; index < count; index++) offsets[group[index]! + 1]! += 1;
    for (let index = 0; index < groups.size; index++) offsets[index + 1]! += offsets[index]!;
    const next = offsets.slice();
    const longitudes = new Float32Array(count);
    const latitudes = new Float32Array(count);
    const times = new Float64Array(count);
    for (let index = 0; index < count; index++) {
      const to = next[group[index]!]!++;
      longitudes[to] = this.#longitudes[index]!;
      latitudes[to] = this.#latitudes[index]!;
      times[to] = this.#times[index]!;
    }
    return { offsets, longitudes, latitudes, times };
  }

  #grow(): void {
    const length = Math.min(this.#capacity, this.#longitudes.length * 2);
    const larger = <T extends Float32Array | Float64Array>(next: T, values: T): T => (next.set(values), next);
    this.#longitudes = larger(new Float32Array(length), this.#longitudes);
    this.#latitudes = larger(new Float32Array(length), this.#latitudes);
    this.#labels = larger(new Float64Array(length), this.#labels);
    this.#times = larger(new Float64Array(length), this.#times);
  }
}

interface TimeView extends ColumnView {
  readonly values: ColumnValues;
  /** Milliseconds in one unit of the column. */
  readonly milliseconds: number;
}

function timeColumn(batch: Batch, name: string): TimeView | undefined {
  const milliseconds = millisecondsPerUnit(batch.schema, name);
  return milliseconds === undefined ? undefined : { ...batch.column(name), milliseconds };
}

/** Milliseconds in one unit of a timestamp or date column; undefined when the column is absent or not a time. */
export function millisecondsPerUnit(schema: Schema, name: string): number | undefined {
  const type = schema.column(name)?.type ?? "";
  if (type === "date32") return 86_400_000;
  const unit = /^timestamp\[(s|ms|us|ns)\b/.exec(type)?.[1];
  return unit === undefined ? undefined : { s: 1000, ms: 1, us: 1e-3, ns: 1e-6 }[unit];
}

/** Whether a row of a column is not null. */
export function isValid(column: ColumnView, row: number): boolean {
  return column.validity === undefined || column.validity[row] !== 0;
}

function nanLast(a: number, b: number): number {
  return Number.isNaN(a) ? 1 : Number.isNaN(b) ? -1 : a - b;
}
