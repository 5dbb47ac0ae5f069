import { resolve } from "node:path";
import { expect, test } from "vitest";
import { explainPlan } from "./explain.ts";
import { type Plan, planPipeline } from "./plan.ts";
import { countingRegistry } from "./testing/counting-registry.ts";

async function planOf(spec: object): Promise<Plan> {
  const registry = countingRegistry({ filesRead: [], sinksOpened: 0, batchesOpen: 0 });
  const { plan, issues } = await planPipeline({ name: "p", ...spec }, { registry, baseDirectory: "/base" });
  expect(issues.filter(({ severity }) => severity === "error")).toEqual([]);
  return plan!;
}

const spec = {
  sources: { numbers: { type: "counting", files: 2, filesPerEpoch: 5 } },
  transforms: { same: { type: "pass", from: "numbers" }, all: { type: "total", from: "same" } },
  sinks: { end: { type: "never", from: "all.sum" }, rows: { type: "never", from: "same" } },
  run: { trigger: "available-now", checkpoint: "./check" },
};

test("operators, edges with columns, and how the run goes", async () => {
  const explained = explainPlan(await planOf(spec));
  expect(explained).toMatchObject({
    pipeline: "p",
    trigger: "available-now",
    checkpoint: resolve("/base/check"),
    seed: 0,
  });
  expect(explained.operators.map(({ id }) => id)).toEqual(["numbers", "same", "all", "end", "rows"]);
  expect(explained.operators[0]).toMatchObject({ bounds: { filesPerEpoch: 5 }, config: { files: 2, rowsPerFile: 10 } });
  expect(explained.operators[2]).toMatchObject({ kind: "transform", needs: "epoch" });
  expect(explained.edges[2]).toEqual({
    from: { operator: "all", port: "sum" },
    to: { operator: "end", input: "main" },
    schema: [{ name: "n", type: "int32", nullable: false }],
  });
});

test("every path has a guarantee, which a checkpoint decides", async () => {
  const { run, ...once } = spec;
  const durable = explainPlan(await planOf(spec)).delivery;
  expect(durable.map(({ path }) => path.join(" "))).toEqual(["numbers same all end", "numbers same rows"]);
  expect(durable[0]).toMatchObject({
    source: "numbers",
    sink: "end",
    guarantee: "exactly-once",
    why: "nothing is ever written",
  });
  const fleeting = explainPlan(await planOf(once));
  expect(fleeting.checkpoint).toBeNull();
  expect(fleeting.delivery.every(({ guarantee }) => guarantee === "at-least-once")).toBe(true);
  expect(explainPlan(await planOf(once), { checkpoint: "/c" }).delivery[0]!.guarantee).toBe("exactly-once");
});

test("an epoch of a run with the trigger once has no bounds", async () => {
  const explained = explainPlan(await planOf(spec), { trigger: "once" });
  expect(explained.operators[0]!.bounds).toEqual({});
});

test("a graph of many diamonds is explained in bounded time", async () => {
  const transforms: Record<string, object> = {};
  let from = "numbers";
  for (let level = 0; level < 40; level++) {
    transforms[`a${level}`] = { type: "pass", from };
    transforms[`b${level}`] = { type: "pass", from };
    transforms[`c${level}`] = { type: "pass", from: [`a${level}`, `b${level}`] };
    from = `c${level}`;
  }
  const plan = await planOf({ ...spec, transforms, sinks: { end: { type: "never", from } } });
  expect(explainPlan(plan).delivery).toHaveLength(64);
});
