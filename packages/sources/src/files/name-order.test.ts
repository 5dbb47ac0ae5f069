import { expect, test } from "vitest";
import { byName, byNaturalName } from "./name-order.ts";

test("numbers in names count as numbers", () => {
  const names = [
    "file_10",
    "file_2",
    "file_1",
    "file_01",
    "b/10.csv",
    "b/9.csv",
    "file_",
    "file_1a",
    "9".repeat(30),
    "10",
  ];
  expect(names.toSorted(byNaturalName)).toEqual([
    "10",
    "9".repeat(30),
    "b/9.csv",
    "b/10.csv",
    "file_",
    "file_01",
    "file_1",
    "file_1a",
    "file_2",
    "file_10",
  ]);
  expect(names.toSorted(byName).indexOf("file_10")).toBeLessThan(names.toSorted(byName).indexOf("file_2"));
});

test("only equal names are equal", () => {
  expect(byNaturalName("a07", "a7")).toBeLessThan(0);
  expect(byNaturalName("a7", "a07")).toBeGreaterThan(0);
  expect(byNaturalName("a7", "a7")).toBe(0);
});
