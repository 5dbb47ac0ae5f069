import { expect, test } from "vitest";
import { exitCodeOf } from "./exit-code.ts";

test.each([
  ["spec-invalid", 2],
  ["spec-not-found", 2],
  ["usage", 2],
  ["checkpoint-corrupt", 3],
  ["checkpoint-mismatch", 3],
  ["checkpoint-locked", 4],
  ["source-changed", 5],
  ["source-vanished", 5],
  ["data-loss", 5],
  ["aborted", 130],
  ["disk-full", 1],
  ["a-code-of-a-plugin", 1],
  ["toString", 1],
])("%s ends with %d", (errorCode, expected) => {
  expect(exitCodeOf(errorCode)).toBe(expected);
});
