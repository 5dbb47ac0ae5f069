import { rowsOf, isBatch } from "@sferic/operator";
import { expect, test } from "vitest";
import { templateName } from "./format.ts";

test("a line is a row", async () => {
  const format = templateName.create({ encoding: "utf8" });
  const file = { name: "a.txt", byteLength: 4, bytes: async () => Buffer.from("ä\nb\n") };
  const [rows] = await Array.fromAsync(format.decode!([file], new AbortController().signal));
  expect(isBatch(rows) && rowsOf(rows)).toEqual([{ line: "ä" }, { line: "b" }]);
});
