import { expect, test } from "vitest";
import { functionsPage } from "./functions.ts";

test("a page holds the rows, every function with its examples, and the differences", () => {
  const text = functionsPage({
    answeredBy: "Nobody 1.0",
    table: {
      columns: { i: "int32", s: "utf8" },
      rows: [
        [7, "a|b"],
        [null, ""],
      ],
    },
    groups: [
      {
        title: "Text",
        functions: [
          {
            name: "||",
            call: "a || b",
            meaning: "One after the other.",
            examples: [
              { expression: "s || s", answers: ["a|ba|b", ""] },
              { expression: "i > 1", answers: [true, 0.12345678] },
            ],
          },
        ],
      },
    ],
    differences: [{ expression: "i ^ 2", why: "A power here.", instead: "`power(i, 2)`", answers: [5, null] }],
  });
  expect(text).toContain("what Nobody 1.0 answers");
  expect(text).toContain("| i | s |\n| --- | --- |\n| 7 | `'a\\|b'` |\n| null | `''` |");
  expect(text).toContain("## Text\n\n| function | means | for example |");
  expect(text).toContain(
    "| `a \\|\\| b` | One after the other. | `s \\|\\| s` → `'a\\|ba\\|b'`, `''`<br>`i > 1` → true, 0.123457 |",
  );
  expect(text).toContain("| `i ^ 2` | A power here. | `power(i, 2)` |");
});
