import { expect, it } from "vitest";
import { bytes, figure, seconds } from "./figures.ts";

it.each([
  [0.0000271, "27.1 µs"],
  [0.00042, "420 µs"],
  [0.0135, "13.5 ms"],
  [0.999, "999 ms"],
  [3.5, "3.50 s"],
  [154.2, "154 s"],
])("%d seconds are %s", (value, text) => {
  expect(seconds(value)).toBe(text);
});

it.each([
  [850_000, "830 KiB"],
  [5 * 2 ** 20, "5.00 MiB"],
  [1.2 * 2 ** 30, "1.20 GiB"],
])("%d bytes are %s", (value, text) => {
  expect(bytes(value)).toBe(text);
});

it("a figure has its unit", () => {
  expect([figure(50, "×"), figure(0.08, "s"), figure(2048, "bytes")]).toEqual(["50.0 ×", "80.0 ms", "2.00 KiB"]);
});
