import { describe, expect, it } from "vitest";
import { atMostBytes, atMostSeconds, isMet, sameNumber, timesFaster } from "./judge.ts";
import type { Answers } from "./scenario.ts";

const answers: Answers = {
  ours: [0.1, 0.3, 0.2].map((seconds) => ({ seconds, peakMemoryBytes: 1, rows: 10, sum: 100 })),
  peer: [2, 8].map((seconds) => ({ seconds, peakMemoryBytes: 1, rows: 10, sum: 100.01 })),
  broken: [{ seconds: 1, peakMemoryBytes: 1 }],
};

describe("requirements", () => {
  it("a limit is held against the median", () => {
    expect(atMostSeconds("ours", 0.25).measured(answers)).toBe(0.2);
  });
  it("memory is held against the repetition that needed most", () => {
    const grows = { ours: [1, 3, 2].map((peakMemoryBytes) => ({ seconds: 1, peakMemoryBytes })) };
    expect(atMostBytes("ours", 2).measured(grows)).toBe(3);
  });
  it("a factor says how much longer the peer takes", () => {
    expect(timesFaster("ours", "peer", 10).measured(answers)).toBe(25);
  });
  it("a contender without answers is an error, not a pass", () => {
    expect(() => atMostSeconds("nobody", 1).measured(answers)).toThrow('"nobody" gave no answer');
  });
  it.each([
    ["at most", 0.3, 0.3, true],
    ["at most", 0.3, 0.31, false],
    ["at least", 10, 10, true],
    ["at least", 10, 9.99, false],
    ["at least", 10, Number.NaN, false],
    ["at most", 10, Number.NaN, false],
  ] as const)("%s %d: %d", (bound, limit, measured, met) => {
    expect(isMet({ bound, limit }, measured)).toBe(met);
  });
});

describe("sameNumber", () => {
  it("holds for equal numbers and shows them", () => {
    expect(sameNumber("rows", ["ours", "peer"]).judge(answers)).toEqual({ holds: true, found: "10" });
  });
  it("fails for different numbers and shows both", () => {
    expect(sameNumber("sum", ["ours", "peer"]).judge(answers)).toEqual({ holds: false, found: "100, 100.01" });
  });
  it("admits what is within the tolerance, and no more", () => {
    expect(sameNumber("sum", ["ours", "peer"], 2e-4).judge(answers).holds).toBe(true);
    expect(sameNumber("sum", ["ours", "peer"], 0.5e-4).judge(answers).holds).toBe(false);
  });
  it("fails for a contender that does not say", () => {
    expect(sameNumber("rows", ["ours", "broken"]).judge(answers).holds).toBe(false);
  });
});
