import { expect, it } from "vitest";
import { granuleName } from "./granule-set.ts";

it("names follow the product's, 20 seconds apart", () => {
  expect(granuleName(0)).toBe("OR_GLM-L2-LCFA_G16_s20181830400000_e20181830400200_c20181830400260.nc");
  expect(granuleName(179)).toBe("OR_GLM-L2-LCFA_G16_s20181830459400_e20181830500000_c20181830500060.nc");
});

it("an hour has 180 different names", () => {
  expect(new Set(Array.from({ length: 180 }, (_, index) => granuleName(index))).size).toBe(180);
});
