import { describe, expect, it } from "vitest";
import { cronProblems } from "./cron.ts";

describe("cronProblems", () => {
  it.each(["5 * * * *", "*/15 0-6,18-23 1,15 JAN-MAR mon-fri", "0 0 31 12 7", " 5  4 * * * ", "0-59/10 * * * SUN"])(
    "takes %j",
    (text) => {
      expect(cronProblems(text)).toEqual([]);
    },
  );

  it.each([
    ["60 * * * *", 0, 2],
    ["* 24 * * *", 2, 2],
    ["* * 0 * *", 4, 1],
    ["* * * 13 *", 6, 2],
    ["* * * * 8", 8, 1],
    ["5-1 * * * *", 0, 3],
    ["*/0 * * * *", 0, 3],
    ["1, * * * *", 0, 2],
    ["* * * MON *", 6, 3],
    ["", 0, 0],
    ["@hourly", 0, 7],
  ])("refuses %j at %i", (text, offset, length) => {
    expect(cronProblems(text)).toMatchObject([{ offset, length }]);
  });
});
