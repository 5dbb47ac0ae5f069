import { readFileSync } from "node:fs";
import { OperatorError } from "@sferic/operator";
import { describeTransform, typedRows } from "@sferic/testkit";
import { type Table, tableFromArrays } from "apache-arrow";
import { describe, expect, it } from "vitest";
import { selectK } from "./select-k.ts";
import { answersOnThreads } from "./testing/threads.ts";

describeTransform({ definition: selectK });

/** The optimum that scikit-learn found for every k; record_transforms.py beside the file says how and with which version. */
interface Sweep {
  readonly name: string;
  readonly columns: readonly (readonly number[])[];
  readonly scores: readonly { readonly k: number; readonly inertia: number; readonly silhouette: number | null }[];
  readonly best: number;
}

const file = new URL("../../../native/crates/kernel-cluster/tests/reference/transforms.json", import.meta.url);
const { sweeps } = JSON.parse(readFileSync(file, "utf8")) as { sweeps: Sweep[] };

function rowsOfTable(table: Table): Record<string, unknown>[] {
  return table.toArray().map((row: { toJSON(): Record<string, unknown> }) => row.toJSON());
}

describe("answers as scikit-learn does", () => {
  it.each(sweeps)("$name", async ({ columns: values, scores, best }) => {
    const points = Object.fromEntries(values.map((column, index) => [`x${index}`, Float64Array.from(column)]));
    const { main } = await selectK.run(tableFromArrays(points), {
      columns: Object.keys(points),
      clusterCounts: scores.map(({ k }) => k).toReversed(),
      initializations: 200,
      tolerance: 0,
    });
    const rows = rowsOfTable(main);
    expect(rows.map(({ k }) => k)).toEqual(scores.map(({ k }) => k));
    rows.forEach((row, index) => {
      const { k, inertia, silhouette } = scores[index]!;
      expect(Math.abs(Number(row["inertia"]) / inertia - 1), `inertia of k = ${k}`).toBeLessThanOrEqual(1e-9);
      if (silhouette === null) expect(row["silhouette"]).toBeNull();
      else expect(Math.abs(Number(row["silhouette"]) - silhouette), `silhouette of k = ${k}`).toBeLessThanOrEqual(1e-9);
    });
    expect(rows.filter((row) => row["best"]).map(({ k }) => k)).toEqual([best]);
  });
});

it("bends where the blobs are used up", async () => {
  const { columns, best } = sweeps[0]!;
  const points = tableFromArrays({ x: Float64Array.from(columns[0]!), y: Float64Array.from(columns[1]!) });
  const { main } = await selectK.run(points, { columns: ["x", "y"], clusterCounts: { from: 1, to: 12 } });
  const knees = rowsOfTable(main).filter((row) => row["knee"]);
  expect(knees.map(({ k }) => k)).toEqual([best]);
});

it("gives a range with both ends, and every k of a list once", async () => {
  const points = tableFromArrays({ x: Float64Array.from({ length: 30 }, (_, row) => row) });
  const counts = async (clusterCounts: { from: number; to: number } | number[]): Promise<unknown[]> => {
    const { main } = await selectK.run(points, { columns: ["x"], clusterCounts });
    return Array.from(main.getChild("k")!);
  };
  expect(await counts({ from: 3, to: 6 })).toEqual([3, 4, 5, 6]);
  expect(await counts([7, 2, 7, 4])).toEqual([2, 4, 7]);
});

it("gives the same on one thread as on two", () => {
  expect(answersOnThreads(2)).toEqual(answersOnThreads(1));
});

it("refuses a range that goes down, by its place", async () => {
  const run = selectK.run(tableFromArrays({ x: [1, 2] }), { columns: ["x"], clusterCounts: { from: 3, to: 2 } });
  await expect(run).rejects.toMatchObject({ problems: [{ code: "invalid-value", pointer: "/clusterCounts" }] });
});

it("refuses more clusters than there are different rows", async () => {
  const run = selectK.run(tableFromArrays({ x: [1, 1, 2, 2] }), { columns: ["x"], clusterCounts: [2, 3] });
  await expect(run).rejects.toMatchObject({ code: "cluster-count-exceeds-rows" });
  await expect(run).rejects.toBeInstanceOf(OperatorError);
});

it("refuses a decimal before it runs, by its place", async () => {
  const rows = typedRows("decimal128(18, 4)");
  const table = rows.toArrow();
  rows.close();
  const run = selectK.run(table, { columns: ["value"], clusterCounts: [2] });
  await expect(run).rejects.toMatchObject({ problems: [{ code: "column-type", pointer: "/columns/0" }] });
});
