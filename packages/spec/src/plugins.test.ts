import { defineTransform } from "@sferic/operator";
import { expect, test } from "vitest";
import { z } from "zod";
import { parseSpec } from "./parse.ts";
import { doubles } from "./testing/registry.ts";

function transform(type: string): ReturnType<typeof defineTransform> {
  const about = { since: "1.0.0", status: "stable", errors: [], examples: [], summary: "For tests." } as const;
  const never = (): never => {
    throw new Error("A spec is only read here.");
  };
  const config = z.strictObject({ size: z.int() });
  return defineTransform({ ...about, type, needs: "batch", config, output: never, create: never });
}

const modules: Record<string, ReturnType<typeof defineTransform>[]> = {
  hail: [transform("hail-size"), transform("hail-risk")],
  "./own.ts": [transform("hail-risk")],
  rival: [transform("filter")],
};

async function loadPlugin(name: string): Promise<ReturnType<typeof defineTransform>[]> {
  const found = modules[name];
  if (found === undefined) throw new Error("there is no such module");
  return found;
}

function read(plugins: string[], hail: object, options: object = { loadPlugin }): ReturnType<typeof parseSpec> {
  const spec = {
    name: "p",
    plugins,
    sources: { s: { type: "generate", rows: 3 } },
    transforms: { t: { from: "s", ...hail } },
    sinks: { out: { type: "console", from: "t" } },
  };
  return parseSpec(JSON.stringify(spec), { registry: doubles(), ...options });
}

test("a plugin's operators are used and checked as the others are", async () => {
  const { spec, issues, registry } = await read(["hail"], { type: "hail-size", size: 3 });
  expect(issues).toEqual([]);
  expect(spec?.operators.map(({ type }) => type)).toContain("hail-size");
  expect(registry.types("transform")).toEqual(expect.arrayContaining(["filter", "hail-risk", "hail-size"]));
  const wrong = await read(["hail"], { type: "hail-size", size: "big" });
  expect(wrong.issues).toMatchObject([{ code: "invalid-value", pointer: "/transforms/t/size" }]);
  const misspelt = await read(["hail"], { type: "hail-sise", size: 3 });
  expect(misspelt.issues).toMatchObject([{ code: "unknown-operator", hint: "hail-size" }]);
});

test("a plugin that cannot be loaded, or brings a name that is taken, is an issue at its place", async () => {
  const { issues } = await read(["hail", "hale", "./own.ts", "rival"], { type: "hail-size", size: 3 });
  expect(issues).toMatchObject([
    { code: "plugin-unavailable", pointer: "/plugins/1", message: expect.stringContaining("there is no such module") },
    { code: "operator-conflict", pointer: "/plugins/2", message: expect.stringContaining('transform "hail-risk"') },
    { code: "operator-conflict", pointer: "/plugins/3", message: expect.stringContaining('transform "filter"') },
  ]);
});

test("where plugins are not loaded, a warning says so", async () => {
  const { issues, spec } = await read(["hail"], { type: "filter", where: "a > 1" }, {});
  expect(issues).toMatchObject([{ code: "plugins-not-loaded", severity: "warning", pointer: "/plugins" }]);
  expect(spec).not.toBeNull();
});
