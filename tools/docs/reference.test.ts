import { defineSink, defineTransform } from "@sferic/operator";
import { expect, test } from "vitest";
import { z } from "zod";
import { fieldsOf, index, page, typeText } from "./reference.ts";

const double = defineTransform({
  type: "double",
  since: "0.1.0",
  status: "stable",
  summary: "Double a column.",
  needs: "batch",
  ports: { rejected: "Rows without a number." },
  config: z.strictObject({
    column: z.string().describe("Which column | or two."),
    times: z.int().min(1).max(9).default(1).describe("How often."),
    mode: z.enum(["exact", "fast"]).optional().describe("How."),
    range: z
      .strictObject({ from: z.number().describe("First.") })
      .optional()
      .describe("Where."),
  }),
  errors: ["not-a-number"],
  examples: [{ title: "Twice", config: { column: "a" } }],
  output: (inputs) => ({ main: inputs["main"] ?? null }),
  create: () => ({ apply: (batches) => batches }),
});

test("fields of a configuration, nested ones dotted", () => {
  expect(
    fieldsOf(double).map(({ path, required, schema }) => [path, required, typeText(schema), schema.default]),
  ).toEqual([
    ["column", true, "string", undefined],
    ["times", false, "integer ≥ 1, ≤ 9", 1],
    ["mode", false, '"exact" or "fast"', undefined],
    ["range", false, "object", undefined],
    ["range.from", true, "number", undefined],
  ]);
});

test("a page holds everything that is declared", () => {
  const text = page(double);
  expect(text).toContain("# double\n\nTransform, stable, since 0.1.0.\n\nDouble a column.");
  expect(text).toContain("| `column` | string | required | Which column \\| or two. |");
  expect(text).toContain("| `times` | integer ≥ 1, ≤ 9 | `1` | How often. |");
  expect(text).toContain("## Ports beside `main`\n\n- `rejected`: Rows without a number.");
  expect(text).toContain("- `not-a-number`");
  expect(text).toContain('Twice:\n\n```\n{\n  "type": "double",\n  "from": "…",\n  "column": "a"\n}\n```');
});

test("a sink's page says how rows are delivered", () => {
  const sink = defineSink({
    type: "lamp",
    since: "0.1.0",
    status: "experimental",
    summary: "Blink.",
    config: z.strictObject({}),
    errors: [],
    examples: [],
    delivery: { guarantee: "at-least-once", why: "light cannot be taken back." },
    create: () => ({ stage: async () => null, publish: async () => ({ files: [] }) }),
  });
  expect(page(sink)).toContain("## Delivery\n\nAt-least-once with a checkpoint: light cannot be taken back.");
  expect(index([double, sink])).toContain("## Sinks\n\n| type | does |\n|---|---|\n| [lamp](sink-lamp.md) | Blink. |");
});
