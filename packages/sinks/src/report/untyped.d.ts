/** The few functions used of packages that ship without types. */

declare module "d3-geo" {
  export type RawProjection = (longitudeRadians: number, latitudeRadians: number) => [number, number];
  export interface Projection {
    rotate(degrees: readonly [number, number]): this;
    scale(factor: number): this;
    translate(offset: readonly [number, number]): this;
    precision(pixels: number): this;
    clipExtent(extent: readonly [readonly [number, number], readonly [number, number]]): this;
  }
  export interface Path {
    (geometry: object): string | null;
    digits(count: number): this;
  }
  export function geoProjection(raw: RawProjection): Projection;
  export function geoPath(projection: Projection): Path;
}

declare module "topojson-client" {
  export interface Topology {
    readonly objects: Readonly<Record<"land" | "countries", object>>;
  }
  export function feature(topology: Topology, object: object): object;
  export function mesh(topology: Topology, object: object, filter: (a: object, b: object) => boolean): object;
}

declare module "gifenc" {
  export type Colour = [red: number, green: number, blue: number];
  export interface FrameOptions {
    palette?: Colour[];
    /** Milliseconds. */
    delay?: number;
    transparent?: boolean;
    transparentIndex?: number;
    dispose?: number;
  }
  export interface Encoder {
    writeFrame(indices: Uint8Array, width: number, height: number, options: FrameOptions): void;
    finish(): void;
    bytes(): Uint8Array;
  }
  export function GIFEncoder(): Encoder;
  export function quantize(rgba: Uint8Array | Uint8ClampedArray, colourCount: number): Colour[];
}
