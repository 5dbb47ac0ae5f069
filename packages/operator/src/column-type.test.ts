import { expect, it } from "vitest";
import { columnTypeField } from "./column-type.ts";

it.each([
  "float64",
  "timestamp",
  "timestamp[ns, UTC]",
  "time64[us]",
  "decimal128(18, 4)",
  "list<struct<a: int32, b: list<utf8>>>",
  "dictionary<int32, utf8>",
])("%s is a type", (text) => {
  expect(columnTypeField.safeParse(text).success).toBe(true);
});

it.each([
  ["flaot64", "float64"],
  ["timestmp", "timestamp"],
  ["string", "utf8"],
  ["constructor", undefined],
  ["timestamp[minutes]", undefined],
])("%s is none", (text, near) => {
  const { error } = columnTypeField.safeParse(text);
  expect(error!.issues).toMatchObject([{ code: "custom", message: expect.stringContaining("is not a column type") }]);
  expect((error!.issues[0] as { params?: { near?: string } }).params?.near).toBe(near);
});
