import { describe, expect, it } from "vitest";
import { parseDuration } from "./duration.ts";

describe("parseDuration", () => {
  it.each([
    ["30 seconds", 30_000],
    ["1 second", 1000],
    ["1.5 h", 5_400_000],
    ["200ms", 200],
    ["5 minutes", 300_000],
    ["5min", 300_000],
    ["2 days", 172_800_000],
    ["0.0004 s", 0],
  ])("%s", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(["", "30", "seconds", "-1 s", "1 month", "1  s", "1e3 s", "1 s 2 ms"])("refuses %j", (text) => {
    expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: "invalid-duration" }));
  });
});
