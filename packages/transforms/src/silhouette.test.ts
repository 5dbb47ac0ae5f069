import { readFileSync } from "node:fs";
import { describeTransform } from "@sferic/testkit";
import { Field, Float64, Int32, Schema, Table, tableFromArrays, vectorFromArray } from "apache-arrow";
import { describe, expect, it } from "vitest";
import { silhouette } from "./silhouette.ts";

describeTransform({ definition: silhouette });

/** Labels and what scikit-learn's silhouette_samples answered to them; record.py beside the file says with which version. */
interface Recorded {
  readonly name: string;
  readonly columns: readonly (readonly number[])[];
  readonly labels: readonly number[];
  readonly silhouette: number | null;
  readonly silhouetteSamples: readonly number[];
}

const file = new URL("../../../native/crates/kernel-cluster/tests/reference/reference.json", import.meta.url);
const { cases } = JSON.parse(readFileSync(file, "utf8")) as { cases: Recorded[] };
const scored = cases.filter((one) => one.silhouette !== null);

describe("answers as scikit-learn does", () => {
  it.each(scored)("$name", async (one) => {
    const points = Object.fromEntries(one.columns.map((values, index) => [`x${index}`, Float64Array.from(values)]));
    const given = tableFromArrays({ ...points, group: Int32Array.from(one.labels) });
    const { main, score } = await silhouette.run(given, { columns: Object.keys(points), labels: "group" });
    const samples = Array.from(main.getChild("silhouette")!, Number);
    samples.forEach((value, row) => {
      expect(Math.abs(value - one.silhouetteSamples[row]!), `row ${row}`).toBeLessThanOrEqual(1e-9);
    });
    const [total] = score!.toArray().map((row: { toJSON(): Record<string, unknown> }) => row.toJSON());
    expect(Math.abs(Number(total!["silhouette"]) - one.silhouette!)).toBeLessThanOrEqual(1e-9);
    expect(Number(total!["cluster_count"])).toBe(new Set(one.labels).size);
    expect(Number(total!["row_count"])).toBe(one.labels.length);
  });
});

const pairs = { x: [0, 1, 10, 11], cluster: Int32Array.of(0, 0, 1, 1) };

it("gives no score to a row without a label or without a place, and counts it for nobody", async () => {
  const fields = [new Field("x", new Float64(), true), new Field("cluster", new Int32(), true)];
  const given = new Table(new Schema(fields), {
    x: vectorFromArray([0, 1, 10, 11, 5, null, Number.NaN], new Float64()),
    cluster: vectorFromArray([0, 0, 1, 1, null, 0, 1], new Int32()),
  });
  const { main, score } = await silhouette.run(given, { columns: ["x"] });
  const alone = await silhouette.run(tableFromArrays(pairs), { columns: ["x"] });
  const samples = Array.from(main.getChild("silhouette")!);
  expect(samples.slice(4)).toEqual([null, null, null]);
  expect(samples.slice(0, 4)).toEqual(Array.from(alone.main.getChild("silhouette")!));
  expect(Number(score!.getChild("row_count")!.get(0))).toBe(4);
});

it("puts its scores in the place of a column of that name, where it was declared", async () => {
  const given = tableFromArrays({ silhouette: Int32Array.of(1, 2, 3, 4), ...pairs });
  const { main } = await silhouette.run(given, { columns: ["x"] });
  expect(main.schema.fields.map(String)).toEqual(["silhouette: Float64", "x: Float64", "cluster: Int32"]);
});

it("scores a sample as it scores all", async () => {
  const x = Float64Array.from({ length: 500 }, (_, row) => (row % 5) * 10 + Math.sin(row));
  const given = tableFromArrays({ x, cluster: Int32Array.from({ length: 500 }, (_, row) => row % 5) });
  const scores = async (sample: { sample?: number }): Promise<unknown[]> => {
    const { main } = await silhouette.run(given, { columns: ["x"], ...sample });
    return Array.from(main.getChild("silhouette")!);
  };
  const [all, some] = [await scores({}), await scores({ sample: 60 })];
  expect(some.filter((value) => value !== null)).toHaveLength(60);
  some.forEach((value, row) => {
    if (value !== null) expect(Math.abs(Number(value) - Number(all[row])), `row ${row}`).toBeLessThanOrEqual(1e-12);
  });
});

it("refuses a single cluster", async () => {
  const run = silhouette.run(tableFromArrays({ x: [0, 1], cluster: Int32Array.of(0, 0) }), { columns: ["x"] });
  await expect(run).rejects.toMatchObject({ code: "silhouette-needs-two-clusters" });
});

it("refuses labels that are no integers, by their place", async () => {
  const run = silhouette.run(tableFromArrays({ x: [0, 1], cluster: [0, 1] }), { columns: ["x"] });
  await expect(run).rejects.toMatchObject({ problems: [{ code: "column-type", pointer: "/labels" }] });
});
