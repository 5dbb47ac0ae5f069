import { expect, test } from "vitest";
import { multisetDifference } from "./difference.ts";
import { spread } from "./torture.ts";

const expected = new Map([
  ["a", 1],
  ["b", 3],
  ["c", 1],
]);

test.each([
  [
    ["a", "b", "b", "b", "c"],
    [0, 0, 0],
  ],
  [
    ["b", "c"],
    [3, 0, 0],
  ],
  [
    ["a", "a", "b", "b", "b", "c", "c"],
    [0, 2, 0],
  ],
  [
    ["a", "b", "b", "c", "c", "d", "d"],
    [1, 1, 2],
  ],
  [[], [5, 0, 0]],
])("%j against a, b three times, c", (rows, [lost, doubled, foreign]) => {
  const found = new Map<string, number>();
  for (const row of rows) found.set(row, (found.get(row) ?? 0) + 1);
  expect(multisetDifference(expected, found)).toEqual({ lost, doubled, foreign });
});

test("epochs are spread from the first to the last", () => {
  expect(spread(3, 8)).toEqual([0, 1, 2]);
  expect(spread(0, 8)).toEqual([]);
  expect(spread(100, 4)).toEqual([0, 33, 66, 99]);
});
