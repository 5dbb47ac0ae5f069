import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { inTurn } from "./places.ts";

test("commands run one after the other, with their words as they are", () => {
  const [program = "", ...args] = inTurn([
    ["printf", "%s|", "a b", "it's", "$HOME"],
    ["printf", "%s", "c"],
  ]);
  expect(execFileSync(program, args, { encoding: "utf8" })).toBe("a b|it's|$HOME|c");
});

test("one that fails is the last", () => {
  const [program = "", ...args] = inTurn([
    ["sh", "-c", "exit 3"],
    ["echo", "c"],
  ]);
  expect(() => execFileSync(program, args)).toThrow(expect.objectContaining({ status: 3, stdout: Buffer.of() }));
});
