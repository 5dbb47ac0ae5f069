import { describe, expect, test } from "vitest";
import { boundaries, mayImport } from "./boundaries.ts";
import { checkout, madeUp } from "./tree.ts";

function manifest(name: string, layer: string, more: object = {}): string {
  return JSON.stringify({ name: `@sferic/${name}`, nx: { tags: [`layer:${layer}`] }, ...more });
}

const declares = (...names: string[]) => ({ dependencies: Object.fromEntries(names.map((name) => [name, "0.1.0"])) });

const rest = {
  "package.json": JSON.stringify({ devDependencies: { vitest: "1.0.0" } }),
  "packages/operator/package.json": manifest("operator", "contract"),
  "packages/transforms/package.json": manifest("transforms", "operators", declares("@sferic/operator")),
  "packages/formats/package.json": manifest("formats", "operators", declares("@sferic/operator")),
  "packages/sinks/package.json": manifest("sinks", "operators", declares("@sferic/formats", "@sferic/transforms")),
  "packages/testkit/package.json": manifest("testkit", "development"),
  "packages/engine/package.json": manifest("engine", "runtime", {
    ...declares("@sferic/operator", "@sferic/transforms"),
    devDependencies: { "@sferic/testkit": "0.1.0" },
  }),
};

test("this repository keeps its layers", () => {
  expect(boundaries(checkout())).toEqual([]);
});

describe("a violation is found", () => {
  const cases: [string, string, string, string | undefined][] = [
    [
      "a forbidden layer",
      "packages/engine/src/a.ts",
      'import { kmeans } from "@sferic/transforms/kmeans";',
      "layer runtime may not import @sferic/transforms (layer operators)",
    ],
    [
      "a type-only import",
      "packages/engine/src/a.ts",
      'import type { K } from "@sferic/transforms/kmeans";',
      "layer runtime may not import @sferic/transforms (layer operators)",
    ],
    [
      "a re-export",
      "packages/engine/src/a.ts",
      'export * from "@sferic/transforms/kmeans";',
      "layer runtime may not import @sferic/transforms (layer operators)",
    ],
    [
      "a dynamic import",
      "packages/engine/src/a.ts",
      'await import("@sferic/transforms/kmeans");',
      "layer runtime may not import @sferic/transforms (layer operators)",
    ],
    [
      "an operator that imports another kind",
      "packages/sinks/src/a.ts",
      'import "@sferic/transforms/kmeans";',
      "layer operators may not import @sferic/transforms (layer operators)",
    ],
    [
      "an undeclared package",
      "packages/engine/src/a.ts",
      'import "lodash";',
      "lodash is not in packages/engine/package.json",
    ],
    [
      "a relative escape",
      "packages/engine/src/a.ts",
      'import "../../operator/src/index.ts";',
      "leaves its package; import by name: ../../operator/src/index.ts",
    ],
    [
      "a test library outside tests",
      "packages/engine/src/a.ts",
      'import "@sferic/testkit";',
      "@sferic/testkit is not in packages/engine/package.json",
    ],
    ["nothing: sinks write formats", "packages/sinks/src/a.ts", 'import "@sferic/formats/csv";', undefined],
    [
      "nothing: a test uses devDependencies",
      "packages/engine/src/a.test.ts",
      'import "@sferic/testkit"; import "vitest";',
      undefined,
    ],
    ["nothing: the contract", "packages/engine/src/a.ts", 'import "@sferic/operator"; import "node:fs";', undefined],
  ];
  test.each(cases)("%s", (_, file, text, expected) => {
    expect(boundaries(madeUp({ ...rest, [file]: text }))).toEqual(
      expected === undefined ? [] : [`${file}:1: ${expected}`],
    );
  });

  test("a package that ships a development package", () => {
    const tree = madeUp({
      ...rest,
      "packages/engine/package.json": manifest("engine", "runtime", declares("@sferic/testkit")),
    });
    expect(boundaries(tree)).toEqual([
      "packages/engine/package.json: @sferic/testkit is for development: name it in devDependencies",
    ]);
  });

  test("a package without a layer", () => {
    const tree = madeUp({ ...rest, "packages/engine/package.json": manifest("engine", "anything") });
    expect(boundaries(tree)).toEqual(["packages/engine/package.json: has no known layer tag"]);
  });
});

test("the documentation shows the same table", () => {
  const text = checkout().read("apps/docs/architecture.md");
  for (const layer of Object.keys(mayImport)) expect(text).toMatch(new RegExp(`^\\| ${layer} \\|`, "m"));
});
