import { batches } from "@sferic/bindings/batch";
import type { Batch } from "@sferic/operator";
import { isClosed } from "@sferic/testkit";
import { tableFromArrays } from "apache-arrow";
import { expect, it } from "vitest";
import { inOrder } from "./in-order.ts";

const batch = (value: number): Batch => batches.fromArrow(tableFromArrays({ n: Int32Array.of(value) }));
const valueOf = (one: Batch): number => Number(one.column("n").values[0]);
const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function* numbers(count: number): AsyncGenerator<Batch> {
  for (let value = 0; value < count; value++) yield batch(value);
}

it("keeps the order though later batches are done first, and works on several at a time", async () => {
  let [working, most] = [0, 0];
  const slow = async (one: Batch): Promise<Batch> => {
    most = Math.max(most, ++working);
    await later(valueOf(one) % 2 === 0 ? 10 : 0);
    working -= 1;
    return one;
  };
  const values: number[] = [];
  for await (const one of inOrder(numbers(9), slow)) {
    values.push(valueOf(one));
    one.close();
  }
  expect(values).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect(most).toBeGreaterThan(1);
});

it("closes what is in work when one fails or nobody asks for more", async () => {
  for (const stop of ["fail", "return"] as const) {
    const made: Batch[] = [];
    const apply = async (one: Batch): Promise<Batch> => {
      const value = valueOf(one);
      await later(value);
      if (stop === "fail" && value === 2) {
        one.close();
        throw new Error("no");
      }
      made.push(one);
      return one;
    };
    const seen: number[] = [];
    const run = async (): Promise<void> => {
      for await (const one of inOrder(numbers(9), apply)) {
        seen.push(valueOf(one));
        one.close();
        if (stop === "return") break;
      }
    };
    if (stop === "fail") await expect(run()).rejects.toThrow("no");
    else await run();
    expect(seen).toEqual(stop === "fail" ? [0, 1] : [0]);
    expect(made.every(isClosed)).toBe(true);
  }
});
