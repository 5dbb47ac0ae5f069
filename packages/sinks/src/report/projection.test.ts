import { describe, expect, it } from "vitest";
import { Extent, graticuleStep, planeX, projectionFor, viewBox, worldBox } from "./projection.ts";

function extentOf(...places: [longitude: number, latitude: number][]): Extent {
  const extent = new Extent();
  for (const [longitude, latitude] of places) extent.add(longitude, latitude);
  return extent;
}

describe("central longitude", () => {
  it("is Greenwich for data that stays clear of the date line", () => {
    expect(extentOf([-100, 30], [-60, -20]).centralLongitude()).toBe(0);
    expect(extentOf().centralLongitude()).toBe(0);
  });

  it("turns so that a storm on the date line stays whole", () => {
    const extent = extentOf([178, -18], [-178, -16]);
    const projection = projectionFor(extent);
    expect(Math.abs(Math.abs(projection.centralLongitude) - 180)).toBeLessThan(0.2);
    const view = viewBox(projection, extent);
    expect(view.x1 - view.x0).toBeLessThan(15);
    for (const longitude of [178, -178, 182]) {
      expect(planeX(projection, longitude)).toBeGreaterThan(view.x0);
      expect(planeX(projection, longitude)).toBeLessThan(view.x1);
    }
  });

  it("turns for two storms far from the date line that are nearer across it", () => {
    const extent = extentOf([150, 0], [-150, 0]);
    const view = viewBox(projectionFor(extent), extent);
    expect(view.x1 - view.x0).toBeLessThan(75);
  });
});

describe("view", () => {
  it("is at least 8 degrees wide and high around one point", () => {
    const extent = extentOf([12.5, 41.9]);
    const projection = projectionFor(extent);
    const view = viewBox(projection, extent);
    expect(view.x1 - view.x0).toBeCloseTo(10);
    expect(view.y1 - view.y0).toBeCloseTo(8);
    expect((view.x0 + view.x1) / 2).toBeCloseTo(planeX(projection, 12.55), 1);
  });

  it("does not reach beyond the world", () => {
    const whole = extentOf(
      ...Array.from({ length: 36 }, (_, index): [number, number] => [index * 10 - 175, index * 3 - 54]),
    );
    const world = worldBox(projectionFor(whole));
    const view = viewBox(projectionFor(whole), whole);
    expect(view).toMatchObject({ x0: world.x0, x1: world.x1 });
    expect(viewBox(projectionFor(extentOf([0, 89.9])), extentOf([0, 89.9])).y0).toBe(-90);
  });
});

it("chooses round graticule steps", () => {
  expect([0.5, 8, 104, 180].map((span) => graticuleStep(span))).toEqual([0.1, 2, 20, 30]);
});
