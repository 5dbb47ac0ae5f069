import { batches } from "@sferic/bindings/batch";
import type { TransformDefinition } from "@sferic/operator";
import { describeTransform } from "@sferic/testkit";
import { tableFromArrays } from "apache-arrow";
import { describe, expect, it } from "vitest";
import { expect as expectRows } from "./expect.ts";
import { cellsOf } from "./testing/sqlite.ts";

const table = tableFromArrays({ n: [1, -2, null, 4, 50], name: ["a", "b", "c", "", null] });
const checks = { positive: "n > 0 -- not null", "it's named": "name <> ''", small: "n < 10" };

describeTransform({
  definition: expectRows as TransformDefinition,
  trials: [
    { title: "count", config: { checks, otherwise: "count" }, rows: () => Promise.resolve(batches.fromArrow(table)) },
  ],
});

const broken = [
  [-2, "b", "positive"],
  [null, "c", "positive, small"],
  [4, "", "it's named"],
  [50, null, "it's named, small"],
];

describe("rows that break a check", () => {
  it("go to the port failed, with the names of the checks", async () => {
    const { main, failed } = await expectRows.run(table, { checks });
    expect(cellsOf(main)).toEqual([[1, "a"]]);
    expect(cellsOf(failed!)).toEqual(broken);
  });

  it("go on as well when they are only counted", async () => {
    const { main, failed } = await expectRows.run(table, { checks, otherwise: "count" });
    expect(main.toString()).toBe(table.toString());
    expect(cellsOf(failed!)).toEqual(broken);
  });

  it("end the run when that is chosen, with the first of them", async () => {
    const run = expectRows.run(table, { checks, otherwise: "fail" });
    await expect(run).rejects.toMatchObject({
      code: "expectation-failed",
      message: expect.stringMatching(/4 of 5 rows .*positive/),
    });
    const good = await expectRows.run(table, { checks: { present: "n IS NULL OR n > -3" }, otherwise: "fail" });
    expect(good.main.numRows).toBe(5);
  });
});

it.each([
  [{ checks: { a: "m > 0" } }, { code: "unknown-column", pointer: "/checks/a", hint: "n" }],
  [{ checks: { "a/b": "n + 1" } }, { code: "expression-type", pointer: "/checks/a~1b" }],
])("refuses %j", async (config, problem) => {
  await expect(expectRows.run(table, config)).rejects.toMatchObject({ problems: [problem] });
});

it("refuses an input that has its column", async () => {
  const taken = tableFromArrays({ failed_checks: ["x"] });
  const run = expectRows.run(taken, { checks: { a: "failed_checks = 'x'" } });
  await expect(run).rejects.toMatchObject({ problems: [{ code: "duplicate-column" }] });
});
