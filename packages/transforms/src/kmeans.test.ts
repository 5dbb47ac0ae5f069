import { readFileSync } from "node:fs";
import { describeTransform, typedRows } from "@sferic/testkit";
import { Field, Float64, Int32, Schema, Table, tableFromArrays, vectorFromArray } from "apache-arrow";
import { describe, expect, it } from "vitest";
import { kmeans } from "./kmeans.ts";
import { silhouette } from "./silhouette.ts";

describeTransform({ definition: kmeans });

/** What scikit-learn answered from given centroids; record.py beside the file says with which version and seed. */
interface Case {
  readonly name: string;
  readonly columns: readonly (readonly number[])[];
  readonly initialCentroids: readonly number[];
  readonly tolerance: number;
  readonly iterationsMax: number;
  readonly labels: readonly number[];
  readonly inertia: number;
  readonly silhouette: number | null;
}

const recorded = new URL("../../../native/crates/kernel-cluster/tests/reference/reference.json", import.meta.url);
const { cases } = JSON.parse(readFileSync(recorded, "utf8")) as { cases: Case[] };

describe("answers as scikit-learn does from the same centroids", () => {
  it.each(cases)("$name", async (one) => {
    const points = Object.fromEntries(one.columns.map((values, index) => [`x${index}`, Float64Array.from(values)]));
    const columns = Object.keys(points);
    const clusterCount = one.initialCentroids.length / columns.length;
    const initialCentroids = Array.from({ length: clusterCount }, (_, row) =>
      one.initialCentroids.slice(row * columns.length, (row + 1) * columns.length),
    );
    const { tolerance, iterationsMax } = one;
    const config = { columns, clusterCount, initialCentroids, tolerance, iterationsMax };
    const { main, centroids } = await kmeans.run(tableFromArrays(points), config);
    expect(Array.from(main.getChild("cluster")!)).toEqual(one.labels);
    const inertias = Array.from(centroids!.getChild("inertia")!, Number);
    const inertia = inertias.reduce((sum, part) => sum + part, 0);
    expect(Math.abs(inertia - one.inertia)).toBeLessThanOrEqual(1e-9 * one.inertia);
    if (one.silhouette === null) return;
    const { score } = await silhouette.run(main, { columns });
    expect(Math.abs(Number(score!.getChild("silhouette")!.get(0)) - one.silhouette)).toBeLessThanOrEqual(1e-9);
  });
});

it("refuses initial centroids of another shape, by their place", async () => {
  const run = kmeans.run(tableFromArrays({ x: Float64Array.of(1, 2) }), {
    columns: ["x"],
    clusterCount: 2,
    initialCentroids: [[1]],
  });
  await expect(run).rejects.toMatchObject({ problems: [{ code: "invalid-value", pointer: "/initialCentroids" }] });
});

it("gives a null label to a row with a null or a NaN", async () => {
  const { main } = await kmeans.run(tableFromArrays({ x: Float64Array.of(0, Number.NaN, 10, 11) }), {
    columns: ["x"],
    clusterCount: 2,
  });
  const labels = Array.from(main.getChild("cluster")!);
  expect(labels[1]).toBeNull();
  expect(labels[2]).toBe(labels[3]);
  expect(labels[0]).not.toBe(labels[2]);
});

describe("an input that has a column cluster already", () => {
  const config = { columns: ["x"], clusterCount: 2, initialCentroids: [[0], [10]] };

  it("keeps its place, as declared", async () => {
    const given = tableFromArrays({
      cluster: ["a", "b", "c"],
      x: Float64Array.of(0, 10, 11),
      rest: [true, false, true],
    });
    const { main } = await kmeans.run(given, config);
    expect(main.schema.fields.map(String)).toEqual(["cluster: Int32", "x: Float64", "rest: Bool"]);
    expect(Array.from(main.getChild("cluster")!)).toEqual([0, 1, 1]);
  });

  it("gets null labels even when it had no nulls before", async () => {
    const fields = [new Field("cluster", new Int32(), false), new Field("x", new Float64(), true)];
    const given = new Table(new Schema(fields), {
      cluster: vectorFromArray([5, 5, 5], new Int32()),
      x: vectorFromArray([0, null, 10], new Float64()),
    });
    const { main } = await kmeans.run(given, config);
    expect(Array.from(main.getChild("cluster")!)).toEqual([0, null, 1]);
    expect(main.schema.fields[0]!.nullable).toBe(true);
  });
});

it("refuses a decimal before it runs, and says how it becomes a number", async () => {
  const rows = typedRows("decimal128(18, 4)");
  const table = rows.toArrow();
  rows.close();
  await expect(kmeans.run(table, { columns: ["row", "value"], clusterCount: 2 })).rejects.toMatchObject({
    problems: [
      { code: "column-type", pointer: "/columns/1", message: expect.stringContaining('CAST("value" AS DOUBLE)') },
    ],
  });
});

it("refuses columns that would be there twice among the centroids, by their places", async () => {
  const given = tableFromArrays({ x: Float64Array.of(1, 2), size: Float64Array.of(3, 4) });
  await expect(kmeans.run(given, { columns: ["x", "size", "x"], clusterCount: 1 })).rejects.toMatchObject({
    problems: [
      { code: "column-conflict", pointer: "/columns/1" },
      { code: "column-conflict", pointer: "/columns/2" },
    ],
  });
});
