import { readFileSync } from "node:fs";
import { ConfigError } from "@sferic/operator";
import { describeTransform, typedRows } from "@sferic/testkit";
import { Float64, Int32, tableFromArrays, Table, vectorFromArray } from "apache-arrow";
import { describe, expect, it } from "vitest";
import { standardize } from "./standardize.ts";

describeTransform({ definition: standardize });

/** What scikit-learn's StandardScaler answered; record_transforms.py beside the file says with which version. */
interface Recorded {
  readonly name: string;
  readonly values: readonly (number | null)[];
  readonly standardized: readonly (number | null)[];
}

const file = new URL("../../../native/crates/kernel-cluster/tests/reference/transforms.json", import.meta.url);
const { columns } = JSON.parse(readFileSync(file, "utf8")) as { columns: Recorded[] };

describe("answers as scikit-learn does", () => {
  it.each(columns)("$name", async ({ name, values, standardized }) => {
    const type = name === "integers" ? new Int32() : new Float64();
    const { main } = await standardize.run(new Table({ x: vectorFromArray(values, type) }), { columns: ["x"] });
    const answer = Array.from(main.getChild("x")!) as (number | null)[];
    expect(answer.map((value) => value === null)).toEqual(standardized.map((value) => value === null));
    answer.forEach((value, row) => {
      expect(Math.abs(Number(value) - Number(standardized[row])), `row ${row}`).toBeLessThanOrEqual(1e-9);
    });
  });
});

it("changes only the columns that it is told, in their places, each by itself", async () => {
  const given = tableFromArrays({ a: [1, 2, 3], b: Int32Array.of(10, 20, 30), c: [true, false, true] });
  const { main } = await standardize.run(given, { columns: ["b", "a"] });
  expect(main.schema.fields.map(String)).toEqual(["a: Float64", "b: Float64", "c: Bool"]);
  const [a, b] = ["a", "b"].map((name) => Array.from(main.getChild(name)!, Number));
  a!.forEach((value, row) => expect(value).toBeCloseTo((row - 1) * Math.sqrt(1.5), 12));
  b!.forEach((value, row) => expect(value).toBeCloseTo(a![row]!, 12));
  expect(Array.from(main.getChild("c")!)).toEqual([true, false, true]);
});

it("leaves what is no finite number out of mean and deviation, and as it is", async () => {
  const given = tableFromArrays({ x: Float64Array.of(1, Number.NaN, 3, Number.POSITIVE_INFINITY) });
  const { main } = await standardize.run(given, { columns: ["x"] });
  expect(Array.from(main.getChild("x")!)).toEqual([-1, Number.NaN, 1, Number.POSITIVE_INFINITY]);
});

it.each(["decimal128(18, 4)", "utf8", "bool"])("refuses a column of %s before it runs, by its place", async (type) => {
  const rows = typedRows(type);
  const table = rows.toArrow();
  rows.close();
  const run = standardize.run(table, { columns: ["row", "value"] });
  await expect(run).rejects.toMatchObject({ problems: [{ code: "column-type", pointer: "/columns/1" }] });
  await expect(run).rejects.toBeInstanceOf(ConfigError);
});
