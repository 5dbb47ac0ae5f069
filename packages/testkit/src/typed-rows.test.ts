import { batches } from "@sferic/bindings/batch";
import { rowsOf } from "@sferic/operator";
import { expect, it } from "vitest";
import { sampleTypes, typedRows } from "./typed-rows.ts";

it.each(sampleTypes)("rows of %s come back from what rowsOf makes of them", (type) => {
  const before = typedRows(type);
  const rows = rowsOf(before);
  const after = batches.fromRows(before.schema, rows);
  expect(after.schema).toEqual(before.schema);
  expect(rowsOf(after)).toEqual(rows);
  before.close();
  after.close();
});

it("a decimal is a number as long as that is exact", () => {
  const batch = typedRows("decimal128(18, 4)");
  expect(rowsOf(batch).map(({ value }) => value)).toEqual([0.0001, -0.0001, null, 0, 1.2345]);
  batch.close();
});
