/** Degrees east and north. */
export interface Place {
  readonly longitude: number;
  readonly latitude: number;
}

/** A rectangle on the map plane; y grows downwards (southwards). */
export interface Box {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

/**
 * The equirectangular projection that is true to scale at `parallel`, turned so that `centralLongitude` is at x = 0.
 * Chosen because k-means over longitude and latitude splits a plane with straight lines: here they stay straight.
 * One unit of the plane is one degree of latitude.
 */
export interface MapProjection {
  readonly centralLongitude: number;
  /** Cosine of the latitude that is true to scale, (0, 1]. */
  readonly stretch: number;
}

/** Where points lie: latitudes, and longitudes as a histogram around the globe. Fixed size, so any number of rows fits. */
export class Extent {
  south = Infinity;
  north = -Infinity;
  /** Points per tenth of a degree of longitude, from 180° W eastwards. */
  readonly #columns = new Uint32Array(binCount);

  add(longitude: number, latitude: number): void {
    if (latitude < this.south) this.south = latitude;
    if (latitude > this.north) this.north = latitude;
    const bin = Math.floor((wrap(longitude) + 180) * binsPerDegree) % binCount;
    this.#columns[bin] = this.#columns[bin]! + 1;
  }

  get isEmpty(): boolean {
    return this.north < this.south;
  }

  /**
   * The meridian to put in the middle: Greenwich, unless points lie within 5° of the date line or the widest empty
   * stretch elsewhere gives a map at least a fifth narrower; then the one opposite the middle of that stretch, so that
   * storms on the date line stay whole.
   */
  centralLongitude(): number {
    const gap = this.#widestGap();
    const nearDateLine = 5 * binsPerDegree;
    const occupied = this.#columns.findIndex((count) => count > 0);
    const last = this.#columns.findLastIndex((count) => count > 0);
    const familiar = last - occupied + 1;
    const best = binCount - gap.length;
    const clear = occupied >= nearDateLine && last < binCount - nearDateLine;
    if (this.isEmpty || (clear && familiar <= best * 1.2)) return 0;
    return wrap((gap.start + gap.length / 2) / binsPerDegree);
  }

  /** West and east bounds in degrees from `centralLongitude`, widened to whole tenths. */
  longitudes(centralLongitude: number): [west: number, east: number] {
    const shift = Math.round((centralLongitude + 360) * binsPerDegree) % binCount;
    let west = binCount;
    let east = 0;
    for (let bin = 0; bin < binCount; bin++) {
      if (this.#columns[bin] === 0) continue;
      const turned = (bin - shift + 2 * binCount) % binCount;
      if (turned < west) west = turned;
      if (turned + 1 > east) east = turned + 1;
    }
    return [west / binsPerDegree - 180, east / binsPerDegree - 180];
  }

  /** The longest run of empty bins, around the globe. */
  #widestGap(): { start: number; length: number } {
    let best = { start: 0, length: 0 };
    let run = 0;
    for (let bin = 0; bin < 2 * binCount; bin++) {
      run = this.#columns[bin % binCount] === 0 ? run + 1 : 0;
      if (run > best.length && run <= binCount) best = { start: bin - run + 1, length: run };
    }
    return best;
  }
}

const binsPerDegree = 10;
const binCount = 360 * binsPerDegree;

/** A longitude brought into [-180, 180). */
export function wrap(longitude: number): number {
  return longitude - 360 * Math.floor((longitude + 180) / 360);
}

/** The projection for the points of an extent; centred on Greenwich and the equator when there are none. */
export function projectionFor(extent: Extent): MapProjection {
  if (extent.isEmpty) return { centralLongitude: 0, stretch: 1 };
  const middle = Math.min(60, Math.abs((extent.south + extent.north) / 2));
  return { centralLongitude: extent.centralLongitude(), stretch: Math.cos((middle * Math.PI) / 180) };
}

/** Plane x of a longitude. */
export function planeX(projection: MapProjection, longitude: number): number {
  return wrap(longitude - projection.centralLongitude) * projection.stretch;
}

/** The whole world on the plane. */
export function worldBox(projection: MapProjection): Box {
  const half = 180 * projection.stretch;
  return { x0: -half, y0: -90, x1: half, y1: 90 };
}

/**
 * The part of the plane to show: the points with a margin of 6 %, at least 8 degrees wide and high, with a ratio of
 * width to height between 1.25 and 2.2, moved (not squeezed) to stay in the world where it fits.
 */
export function viewBox(projection: MapProjection, extent: Extent): Box {
  const world = worldBox(projection);
  if (extent.isEmpty) return world;
  const [west, east] = extent.longitudes(projection.centralLongitude);
  const middleX = ((west + east) / 2) * projection.stretch;
  const middleY = -(extent.south + extent.north) / 2;
  const margin = 1.12;
  let width = Math.min(Math.max(8, (east - west) * projection.stretch * margin), world.x1 - world.x0);
  let height = Math.max(8, (extent.north - extent.south) * margin);
  if (width < height * 1.25) width = height * 1.25;
  if (width > height * 2.2) height = width / 2.2;
  const x0 = slide(middleX - width / 2, width, world.x0, world.x1);
  const y0 = slide(middleY - height / 2, height, world.y0, world.y1);
  return { x0, y0, x1: x0 + width, y1: y0 + height };
}

function slide(start: number, length: number, low: number, high: number): number {
  return length >= high - low ? (low + high - length) / 2 : Math.min(Math.max(start, low), high - length);
}

/** Degrees between graticule lines so that about `count` of them fit into `span` degrees. */
export function graticuleStep(span: number, count = 6): number {
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60];
  return steps.find((step) => span / step <= count) ?? 60;
}
