import { beforeEach, expect, test } from "vitest";
import { type Plan, planPipeline } from "./plan.ts";
import { previewOperator } from "./preview.ts";
import { countingRegistry, type Doings } from "./testing/counting-registry.ts";

let doings: Doings;

beforeEach(() => {
  doings = { filesRead: [], sinksOpened: 0, batchesOpen: 0 };
});

async function planOf(source: object, total: object = {}): Promise<Plan> {
  const spec = {
    name: "p",
    sources: { numbers: { type: "counting", ...source }, others: { type: "counting", files: 1 } },
    transforms: {
      same: { type: "pass", from: "numbers" },
      all: { type: "total", from: "same", ...total },
      both: { type: "pass", from: ["numbers", "others"] },
    },
    sinks: { end: { type: "never", from: "all.sum" }, second: { type: "never", from: "both" } },
  };
  const { plan, issues } = await planPipeline(spec, { registry: countingRegistry(doings) });
  expect(issues).toEqual([]);
  return plan!;
}

test("the first rows come from the first file, and no sink opens", async () => {
  const preview = await previewOperator(await planOf({ files: 1000 }), "same", { rows: 3 });
  expect(preview).toMatchObject({
    operator: "same",
    port: "main",
    rows: [{ n: 0 }, { n: 1 }, { n: 2 }],
    complete: false,
  });
  expect(preview.schema).toEqual([{ name: "n", type: "int32", nullable: false }]);
  expect(doings).toEqual({ filesRead: [0], sinksOpened: 0, batchesOpen: 0 });
});

test("more files are read until there are enough rows, and not all that were allowed", async () => {
  const plan = await planOf({ files: 1000, rowsPerFile: 1 });
  const { rows, complete } = await previewOperator(plan, "same", { rows: 65 });
  expect([rows.length, complete]).toEqual([65, false]);
  const lastAttempt = doings.filesRead.slice(1 + 8 + 64);
  expect(lastAttempt.length).toBeGreaterThanOrEqual(65);
  expect(lastAttempt.length).toBeLessThan(100);
});

test("a small input is read whole", async () => {
  const { rows, complete } = await previewOperator(await planOf({ files: 2 }), "numbers", { rows: 100 });
  expect([rows.length, complete]).toEqual([20, true]);
});

test("a port, and a sink, which shows what it would get", async () => {
  const plan = await planOf({ files: 2 });
  for (const target of ["all.sum", "end", "end.main"]) {
    await expect(previewOperator(plan, target)).resolves.toMatchObject({
      operator: "all",
      port: "sum",
      rows: [{ n: 190 }],
    });
  }
});

test("an operator that has too few rows to work gets more", async () => {
  const plan = await planOf({ files: 50 }, { rowsMin: 60 });
  const { rows } = await previewOperator(plan, "all.sum", { rows: 1 });
  expect(rows).toEqual([{ n: (79 * 80) / 2 }]);
  await expect(previewOperator(await planOf({ files: 5 }, { rowsMin: 60 }), "all.sum")).rejects.toMatchObject({
    code: "too-few-rows",
    operatorId: "all",
  });
  expect(doings.batchesOpen).toBe(0);
});

test("input that could not become rows is told", async () => {
  const preview = await previewOperator(await planOf({ files: 2, broken: [0] }), "same");
  expect(preview.invalid).toEqual([{ name: "0.txt", reason: "cut short" }]);
  expect(preview.rows).toHaveLength(10);
  const cut = await previewOperator(await planOf({ files: 20, broken: [0] }), "same", { rows: 5 });
  expect(cut).toMatchObject({ invalid: [{ name: "0.txt" }], complete: false });
});

test("nothing to read is no rows", async () => {
  const preview = await previewOperator(await planOf({ files: 0 }), "same");
  expect(preview).toMatchObject({ rows: [], complete: true, schema: [{ name: "n" }] });
});

test.each([
  ["smae", "unknown-operator-id", 'did you mean "same"?'],
  ["all.summ", "unknown-port", "it has main, sum"],
  ["end.sum", "unknown-port", "end.main"],
  ["", "unknown-operator-id", "it has"],
])("%s is no place to look at", async (target, code, message) => {
  const looking = previewOperator(await planOf({ files: 1 }), target);
  await expect(looking).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
});

test("an aborted preview ends as such", async () => {
  const signal = AbortSignal.abort();
  await expect(previewOperator(await planOf({ files: 50 }), "all.sum", { signal })).rejects.toMatchObject({
    code: "aborted",
  });
});
