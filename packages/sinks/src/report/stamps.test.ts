import { expect, it } from "vitest";
import type { MapFrame } from "./map-frame.ts";
import type { Points } from "./points.ts";
import { type PointStyle, stampPoints } from "./stamps.ts";

/** A frame of 40 × 40 pixels, one degree each, at (5, 5) of a white picture of 50 × 50. */
const frame: MapFrame = {
  x: 5,
  y: 5,
  width: 40,
  height: 40,
  view: { x0: -20, y0: -20, x1: 20, y1: 20 },
  projection: { centralLongitude: 0, stretch: 1 },
};

function colourAt(longitude: number, latitude: number, style: PointStyle): (x: number, y: number) => number[] {
  const data = new Uint8ClampedArray(50 * 50 * 4).fill(255);
  const points = {
    offsets: Uint32Array.of(0, 1),
    longitudes: Float32Array.of(longitude),
    latitudes: Float32Array.of(latitude),
    times: Float64Array.of(1000),
  } as unknown as Points;
  stampPoints({ width: 50, height: 50, data }, frame, points, [{ colour: "#204080", shape: "disc" }], style);
  return (x, y) => [...data.subarray((y * 50 + x) * 4, (y * 50 + x) * 4 + 3)];
}

it("puts a point where it lies, in its colour", () => {
  const at = colourAt(10, 5, { radius: 4, opacity: 1 });
  expect(at(5 + 30, 5 + 15)).toEqual([0x20, 0x40, 0x80]);
  expect(at(5 + 30 + 7, 5 + 15)).toEqual([255, 255, 255]);
});

it("blends by opacity", () => {
  const [red, green, blue] = colourAt(0, 0, { radius: 4, opacity: 0.5 })(25, 25);
  expect([red, green, blue]).toEqual([(0x20 + 255) >> 1, (0x40 + 255) >> 1, (0x80 + 255) >> 1]);
});

it("keeps a point at the edge inside the frame", () => {
  const at = colourAt(20, -20, { radius: 4, opacity: 1 });
  expect(at(40, 40)).toEqual([0x20, 0x40, 0x80]);
  expect(at(45, 45)).toEqual([255, 255, 255]);
});

it("leaves out points of another time", () => {
  expect(colourAt(0, 0, { radius: 4, opacity: 1, during: [1000, 2000] })(25, 25)).toEqual([0x20, 0x40, 0x80]);
  expect(colourAt(0, 0, { radius: 4, opacity: 1, during: [0, 1000] })(25, 25)).toEqual([255, 255, 255]);
});
