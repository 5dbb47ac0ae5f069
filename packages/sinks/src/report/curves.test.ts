import { describe, expect, it } from "vitest";
import type { Choice } from "./choice.ts";
import { curveOf, niceTicks, plotOf } from "./curves.ts";

const choice: Choice = {
  k: [2, 3, 4, 5],
  inertia: [1000, 400, 300, 250],
  silhouette: [0.41, 0.62, NaN, 0.55],
  iterations: [3, 4, 5, 6],
  best: 3,
  knee: 4,
};

it("marks the best k, the knee and the k in use, each once", () => {
  const texts = (value: Choice, used: number): string[] =>
    curveOf(value, "inertia", used)!.landmarks.map(({ text }) => text);
  expect(texts(choice, 5)).toEqual(["chosen: best silhouette, k = 3", "knee, k = 4", "on the map, k = 5"]);
  expect(texts(choice, 3)).toEqual(["chosen: best silhouette, k = 3", "knee, k = 4"]);
  expect(texts({ ...choice, knee: 3 }, 12)).toEqual(["chosen: best silhouette and knee, k = 3"]);
  expect(texts({ ...choice, best: null, knee: null }, 12)).toEqual([]);
});

it("leaves out values that are null, and a curve that has none", () => {
  expect(curveOf(choice, "silhouette", 3)!.samples.map(({ k }) => k)).toEqual([2, 3, 5]);
  expect(curveOf({ ...choice, silhouette: [NaN, NaN, NaN, NaN] }, "silhouette", 3)).toBeUndefined();
});

it("starts inertia at zero and keeps every sample inside the plot", () => {
  for (const measure of ["inertia", "silhouette"] as const) {
    const curve = curveOf(choice, measure, 3)!;
    const plot = plotOf(curve, 10, 20, 210, 120);
    for (const { k, value } of curve.samples) {
      expect(plot.x(k)).toBeGreaterThanOrEqual(10);
      expect(plot.x(k)).toBeLessThanOrEqual(210);
      expect(plot.y(value)).toBeGreaterThanOrEqual(20);
      expect(plot.y(value)).toBeLessThanOrEqual(120);
    }
  }
  expect(curveOf(choice, "inertia", 3)!.yRange[0]).toBe(0);
});

it("draws a choice of a single k", () => {
  const one: Choice = { ...choice, k: [4], inertia: [0], silhouette: [0.5], iterations: [1], best: 4, knee: null };
  const curve = curveOf(one, "inertia", 4)!;
  expect(Number.isFinite(plotOf(curve, 0, 0, 100, 100).x(4))).toBe(true);
  expect(Number.isFinite(plotOf(curve, 0, 0, 100, 100).y(0))).toBe(true);
});

describe("ticks", () => {
  it("are round and enclose the range", () => {
    expect(niceTicks(0, 1000)).toEqual([0, 200, 400, 600, 800, 1000]);
    expect(niceTicks(0.41, 0.62)).toEqual([0.4, 0.45, 0.5, 0.55, 0.6, 0.65]);
    expect(niceTicks(-0.2, 0.1)).toEqual([-0.2, -0.15, -0.1, -0.05, 0, 0.05, 0.1]);
  });

  it("have as many decimals as their step needs", () => {
    expect(curveOf(choice, "silhouette", 3)!.yTicks.map(({ text }) => text)).toEqual([
      "0.40",
      "0.45",
      "0.50",
      "0.55",
      "0.60",
      "0.65",
    ]);
  });
});
