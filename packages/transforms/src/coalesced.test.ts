import { batches } from "@sferic/bindings/batch";
import type { Batch } from "@sferic/operator";
import { isClosed, streamOf } from "@sferic/testkit";
import { makeVector, Table } from "apache-arrow";
import { expect, it } from "vitest";
import { coalesced } from "./coalesced.ts";

/** Batches of these sizes that count on from one to the next. */
function counting(...sizes: number[]): Batch[] {
  let next = 0;
  return sizes.map((size) => {
    const values = Int32Array.from({ length: size }, () => next++);
    return batches.fromArrow(new Table({ n: makeVector(values) }));
  });
}

async function sizesOf(given: Batch[]): Promise<number[]> {
  const sizes: number[] = [];
  let next = 0;
  for await (const batch of coalesced(streamOf(given))) {
    for (const value of batch.column("n").values) expect(value).toBe(next++);
    sizes.push(batch.rowCount);
    batch.close();
  }
  expect(given.every(isClosed)).toBe(true);
  return sizes;
}

it.each([
  [[], []],
  [[0], [0]],
  [[0, 0, 0], [0]],
  [[3, 0, 4], [7]],
  [
    [20_000, 20_000],
    [20_000, 20_000],
  ],
  [
    [100, 20_000, 5],
    [20_100, 5],
  ],
  [
    [8_000, 8_000, 8_000, 8_000, 8_000, 8_000],
    [40_000, 8_000],
  ],
])("%j become %j", async (given, expected) => {
  expect(await sizesOf(counting(...given))).toEqual(expected);
});

it("closes what it holds when nobody asks for more", async () => {
  const given = counting(10_000, 5, 6);
  for await (const batch of coalesced(streamOf(given))) {
    batch.close();
    break;
  }
  expect(isClosed(given[0]!)).toBe(true);
});
