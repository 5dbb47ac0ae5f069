import { isBatch, type OperatorContext, rowsOf } from "@sferic/operator";
import { expect, test } from "vitest";
import { templateName } from "./source.ts";

const source = templateName.create({ rowCount: 10 }, {} as OperatorContext);

test("offsets stay within bounds and end", async () => {
  expect(await source.latestOffset(null, { rowsPerEpoch: 4 })).toBe(4);
  expect(await source.latestOffset(4, {})).toBe(10);
  expect(await source.latestOffset(10, {})).toBeNull();
});

test("a range holds the rows after its start, however often it is read", async () => {
  const epoch = { id: 0, timeMs: 0, seed: 0, signal: new AbortController().signal };
  for (let again = 0; again < 2; again += 1) {
    const [rows] = await Array.fromAsync(source.read(4, 6, epoch));
    expect(isBatch(rows) && rowsOf(rows)).toEqual([{ n: 4 }, { n: 5 }]);
  }
});
