import { expect, test } from "vitest";
import { emptyWords, longFunctions } from "./code.ts";
import { checkout, madeUp } from "./tree.ts";

const lines = (count: number): string => "  x();\n".repeat(count);

test("no long function without a reason", () => {
  expect(longFunctions(checkout())).toEqual([]);
});

test("a long function is found, and not when it says why", () => {
  const tree = madeUp({
    "packages/a/src/a.ts": `export function ok(): void {\n${lines(68)}}\nexport function long(): void {\n${lines(69)}}\n`,
    "packages/a/src/b.ts": `// Long because it is one table.\nexport function long(): void {\n${lines(80)}}\n`,
    "packages/a/src/c.ts": `class C {\n  m(): void {\n${lines(80)}  }\n}\n`,
    "native/crates/k/src/lib.rs": `fn ok() {\n${lines(68)}}\n\npub fn long(\n) {\n${lines(70)}}\n`,
    "native/crates/k/src/m.rs": `/// Long because it is one table.\npub fn long() {\n${lines(70)}}\n`,
  });
  expect(longFunctions(tree).map((problem) => problem.split(";")[0])).toEqual([
    "packages/a/src/a.ts:71: a function of 71 lines",
    "packages/a/src/c.ts:2: a function of 82 lines",
    "native/crates/k/src/lib.rs:72: a function of 73 lines",
  ]);
});

test("names say something", () => {
  expect(emptyWords(checkout())).toEqual([]);
});

test("a name that says nothing is found", () => {
  const tree = madeUp({
    "packages/a/src/string-utils.ts": "export class BatchManager {}\nexport const management = 1;",
    "native/crates/k/src/lib.rs": "fn parse_helper() {}",
  });
  expect(emptyWords(tree)).toEqual([
    'native/crates/k/src/lib.rs:1: say what "parse_helper" does',
    'packages/a/src/string-utils.ts: say what "string-utils.ts" does',
    'packages/a/src/string-utils.ts:1: say what "BatchManager" does',
  ]);
});
