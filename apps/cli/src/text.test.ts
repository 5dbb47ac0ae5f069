import { expect, test } from "vitest";
import { bytesText, counted, countText, indented, secondsText, textTable } from "./text.ts";

test.each([
  [0, "0"],
  [999, "999"],
  [1000, "1,000"],
  [1_234_567, "1,234,567"],
])("%d as a count is %s", (count, expected) => {
  expect(countText(count)).toBe(expected);
});

test("a count agrees with its noun", () => {
  expect([counted(0, "row"), counted(1, "row"), counted(2000, "row")]).toEqual(["0 rows", "1 row", "2,000 rows"]);
});

test.each([
  [0.0123, "12 ms"],
  [0.9999, "1.0 s"],
  [59.94, "59.9 s"],
  [59.96, "1 min 0 s"],
  [245, "4 min 5 s"],
  [7380, "2 h 3 min"],
])("%d seconds are %s", (seconds, expected) => {
  expect(secondsText(seconds)).toBe(expected);
});

test.each([
  [1, "1 byte"],
  [999, "999 bytes"],
  [1000, "1.0 kB"],
  [1_901_703, "1.9 MB"],
  [5e15, "5000.0 TB"],
])("%d bytes are %s", (bytes, expected) => {
  expect(bytesText(bytes)).toBe(expected);
});

test("a table aligns its columns and leaves no space at the end of lines", () => {
  const columns = [{ title: "id" }, { title: "rows", align: "right" }, { title: "" }] as const;
  expect(
    textTable(columns, [
      ["flashes", "1,303", ""],
      ["a", "7", "late"],
    ]),
  ).toBe(["id        rows", "flashes  1,303", "a            7  late"].join("\n"));
});

test("empty lines stay empty when a text is moved right", () => {
  expect(indented("a\n\nb")).toBe("  a\n\n  b");
});

test("a cell of a table cannot move the cursor, and keeps its width", () => {
  expect(textTable([{ title: "a\u001B[2J" }, { title: "b" }], [["\u202E\n", "x"]])).toBe(
    ["a\\u001b[2J    b", "\\u202e\\u000a  x"].join("\n"),
  );
});
