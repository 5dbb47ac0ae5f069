import { expect, it } from "vitest";
import { interpretGlm } from "./kernel-glm.ts";

const output = [
  "7 files, 1901703 bytes",
  "flashes: id, time: min 0.0269 ms, median 0.0271 ms per file (1303 rows in all files)",
  "flashes: whole table: min 0.0300 ms, median 0.0350 ms per file (1303 rows in all files)",
  "",
].join("\n");

it("takes the median and the rows of the measurement that was asked for", () => {
  const answer = interpretGlm({ seconds: 9, peakMemoryBytes: 5, output }, "flashes: whole table");
  expect(answer).toMatchObject({ rows: 1303, peakMemoryBytes: 5 });
  expect(answer.seconds).toBeCloseTo(3.5e-5, 12);
});

it("does not take another measurement instead", () => {
  expect(() => interpretGlm({ seconds: 9, peakMemoryBytes: 5, output }, "flashes")).toThrow('no line "flashes"');
});
