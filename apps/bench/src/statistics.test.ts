import { describe, expect, it } from "vitest";
import { mean, median, medianInterval, relativeDifference, spread, standardErrorOfDifference } from "./statistics.ts";

describe("median", () => {
  it("is the middle of an odd count, whatever the order", () => {
    expect(median([9, 1, 5])).toBe(5);
  });
  it("is the mean of the two in the middle of an even count", () => {
    expect(median([4, 1, 10, 2])).toBe(3);
  });
  it("leaves the numbers in their order and sorts them as numbers", () => {
    const values = [10, 9, 2];
    expect(median(values)).toBe(9);
    expect(values).toEqual([10, 9, 2]);
  });
  it("does not exist without numbers", () => {
    expect(() => median([])).toThrow("no median");
  });
});

it("the interval of a median is that of the sign test", () => {
  const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => count - index);
  // Tables of the sign test, e.g. Conover, Practical Nonparametric Statistics: of 15 the 4th and 12th, of 20 the 6th and 15th.
  expect(medianInterval(upTo(15))).toEqual([4, 12]);
  expect(medianInterval(upTo(20))).toEqual([6, 15]);
  expect(medianInterval(upTo(6))).toEqual([1, 6]);
  expect(medianInterval([2, 1])).toEqual([1, 2]);
});

it("a spread has ends, middle and count", () => {
  expect(spread([3, 1, 2, 8])).toEqual({ count: 4, min: 1, median: 2.5, max: 8 });
});

describe("relativeDifference", () => {
  it("is the largest distance to the first number, in terms of that number", () => {
    expect(relativeDifference([-200, -198, -203])).toBeCloseTo(0.015, 12);
  });
  it("is none for one number or equal ones", () => {
    expect(relativeDifference([7])).toBe(0);
    expect(relativeDifference([0, 0])).toBe(0);
  });
  it("is no number when a number is missing, so that no tolerance admits it", () => {
    expect(relativeDifference([1, Number.NaN])).toBeNaN();
    expect(relativeDifference([Number.NaN, 1])).toBeNaN();
  });
});

describe("standardErrorOfDifference", () => {
  it("adds the variances of the means", () => {
    // Variances 1 and 4, three numbers each.
    expect(standardErrorOfDifference([1, 2, 3], [10, 12, 14])).toBeCloseTo(Math.sqrt(5 / 3), 12);
  });
  it("knows nothing from a single number", () => {
    expect(standardErrorOfDifference([1], [1, 2])).toBe(Number.POSITIVE_INFINITY);
  });
});

it("a mean is the sum by the count", () => {
  expect(mean([1, 2, 6])).toBe(3);
});
