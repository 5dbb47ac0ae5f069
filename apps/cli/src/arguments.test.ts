import { InvalidArgumentError } from "commander";
import { expect, test } from "vitest";
import { addParameter, parseCount } from "./arguments.ts";
import { parseTrigger, triggerText } from "./trigger.ts";

test("parameters add up; a value may hold an equals sign and may be empty", () => {
  expect(addParameter("b=", addParameter("a=x=y"))).toEqual({ a: "x=y", b: "" });
});

test.each(["hour", "=5", ""])('"%s" is no parameter', (text) => {
  expect(() => addParameter(text)).toThrow(InvalidArgumentError);
});

test("a parameter is given once", () => {
  expect(() => addParameter("a=2", { a: "1" })).toThrow('"a" is given twice');
});

test("a name such as __proto__ is a name like others", () => {
  expect(Object.entries(addParameter("__proto__=1"))).toEqual([["__proto__", "1"]]);
});

test("counts are whole numbers from 1", () => {
  expect(parseCount("12")).toBe(12);
  for (const text of ["0", "-1", "1.5", "1e3", " 3", "x", "", "99999999999999999999"]) {
    expect(() => parseCount(text), text).toThrow(InvalidArgumentError);
  }
});

test.each([
  ["once", "once"],
  ["available-now", "available-now"],
  ["5s", { everyMs: 5000 }],
  ["2 minutes", { everyMs: 120_000 }],
  ["200ms", { everyMs: 200 }],
])("the trigger %s", (text, expected) => {
  expect(parseTrigger(text)).toEqual(expected);
});

test.each(["soon", "5", "0s", "-5s", "", "Once"])('"%s" is no trigger', (text) => {
  expect(() => parseTrigger(text)).toThrow("--trigger takes");
});

test("an interval is told in words", () => {
  expect(triggerText({ everyMs: 5000 })).toBe("every 5.0 s, until stopped");
});
