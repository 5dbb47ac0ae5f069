import { expect, it } from "vitest";
import { stepsOf } from "./animation.ts";
import type { Points } from "./points.ts";

function hours(...counts: [hour: number, rows: number][]): Points {
  return { hours: new Map(counts) } as unknown as Points;
}

const hourMs = 3_600_000;

it("has one step per hour with points", () => {
  expect(stepsOf(hours([100, 5], [103, 2]))).toEqual([
    { from: 100 * hourMs, to: 101 * hourMs, rowCount: 5 },
    { from: 103 * hourMs, to: 104 * hourMs, rowCount: 2 },
  ]);
});

it("takes longer steps rather than more than 48, and loses no row", () => {
  const steps = stepsOf(hours(...Array.from({ length: 120 }, (_, hour): [number, number] => [hour, hour])));
  expect(steps).toHaveLength(40);
  expect(steps[0]).toEqual({ from: 0, to: 3 * hourMs, rowCount: 3 });
  expect(steps.reduce((sum, step) => sum + step.rowCount, 0)).toBe((119 * 120) / 2);
});

it("copes with centuries", () => {
  const steps = stepsOf(hours(...Array.from({ length: 500 }, (_, index): [number, number] => [index * 8760 * 2, 1])));
  expect(steps.length).toBeLessThanOrEqual(48);
});
