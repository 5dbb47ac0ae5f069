import { expect, it } from "vitest";
import { latitudeText, longitudeText, quantity, spanText, titleOf } from "./wording.ts";

it("writes places with their hemisphere", () => {
  expect([-98.456, 0, 180, -180].map((value) => longitudeText(value, 1))).toEqual([
    "98.5° W",
    "0.0°",
    "180.0°",
    "180.0°",
  ]);
  expect([-3.2, 35, -0.001].map((value) => latitudeText(value))).toEqual(["3° S", "35° N", "0°"]);
});

it("writes numbers of any size briefly", () => {
  expect([0.42134, 12, 1234.5, 1_240_000, 3.14e9, NaN].map(quantity)).toEqual([
    "0.4213",
    "12",
    "1,235",
    "1.2 million",
    "3.1 × 10⁹",
    "none",
  ]);
});

it("does not repeat the day of a span", () => {
  const at = (text: string): number => Date.parse(text);
  expect(spanText(at("2018-07-02T04:33:00Z"), at("2018-07-02T04:34:20Z"))).toBe("2 Jul 2018, 04:33 to 04:34 UTC");
  expect(spanText(at("2018-07-02T04:33:00Z"), at("2018-07-02T04:33:20Z"))).toBe("2 Jul 2018, 04:33 UTC");
  expect(spanText(at("2018-07-02T23:59:00Z"), at("2022-06-03T00:00:00Z"))).toBe("2 Jul 2018 to 3 Jun 2022");
});

it("makes a title of a pipeline's name", () => {
  expect(titleOf("lightning-clusters")).toBe("Lightning clusters");
});
