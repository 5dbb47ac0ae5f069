import { describe, expect, it } from "vitest";
import { formatTime, parseTime, unknownDirectives } from "./time-format.ts";

const pattern = "%Y %y %m %d %j %H %M %S %s %F %T %%";

describe("formatTime", () => {
  // Printed by GNU date 9.1: date -u -d <time> +<pattern>
  it.each([
    ["2018-07-02T04:05:06.123456789Z", "2018 18 07 02 183 04 05 06 1530504306 2018-07-02 04:05:06 %"],
    ["2020-12-31T23:59:59Z", "2020 20 12 31 366 23 59 59 1609459199 2020-12-31 23:59:59 %"],
    ["2000-02-29T00:00:00+05:30", "2000 00 02 28 059 18 30 00 951762600 2000-02-28 18:30:00 %"],
    ["1999-01-01", "1999 99 01 01 001 00 00 00 915148800 1999-01-01 00:00:00 %"],
  ])("prints %s as GNU date does", (time, printed) => {
    expect(formatTime(parseTime(time)!, pattern)).toBe(printed);
  });

  it("prints microseconds as Python's strftime does, cut and not rounded", () => {
    expect(formatTime(parseTime("2018-07-02T04:05:06.123456789Z")!, "%f")).toBe("123456");
    expect(formatTime(parseTime("2018-07-02T04:05:06.5Z")!, "%f")).toBe("500000");
  });
});

describe("unknownDirectives", () => {
  it("finds each, a lone percent sign included", () => {
    expect(unknownDirectives("%Y%Q %%Q %")).toEqual([
      { directive: "%Q", offset: 2 },
      { directive: "%", offset: 9 },
    ]);
  });
});
