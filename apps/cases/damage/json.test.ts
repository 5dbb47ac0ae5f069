import { expect, test } from "vitest";
import { TextCase } from "./text.ts";

const good = '{"n":1,"text":"a","at":"2026-01-01T00:00:00Z"}\n{"n":2,"text":"b","at":"2026-01-01T00:00:01Z"}\n';

test("lines that are half written, not JSON or of wrong types are told with the reason; all others are rows", async () => {
  await using files = await TextCase.create();
  await files.put({
    "a-good.json": good,
    "b-half.json": good.slice(0, -20),
    "c-text.json": "This is not JSON.\n",
    "d-type.json": '{"n":"many","text":"a","at":"2026-01-01T00:00:00Z"}\n',
    "e-time.json": '{"n":1,"text":"a","at":"yesterday"}\n',
    "f-big.json": '{"n":3000000000,"text":"a","at":"2026-01-01T00:00:00Z"}\n',
    "g-nested.json": '{"n":{"n":1},"text":"a","at":"2026-01-01T00:00:00Z"}\n',
    "h-bytes.json": Uint8Array.from({ length: 1000 }, (_, byte) => (byte * 7 + 128) % 256),
    "i-empty.json": "",
    "j-deep.json": `{"n":${"[".repeat(100_000)}\n`,
    "k-good.json": good,
  });
  const { result, reasons } = await files.run({ type: "json" });
  // The bytes are five lines.
  expect(result).toMatchObject({ state: "succeeded", epochs: 6, rows: { read: 5, written: 5, invalid: 12 } });
  expect((await files.written()).map(({ n }) => n)).toEqual([1, 2, 1, 1, 2]);
  expect(reasons).toEqual({
    "b-half.json": expect.stringContaining("line 2, character 28: a string is not closed"),
    "c-text.json": expect.stringContaining("line 1, character 1: an object is missing"),
    "d-type.json": expect.stringContaining("n is not a value of type Int32"),
    "e-time.json": expect.stringContaining("at is not a time"),
    "f-big.json": expect.stringContaining("n is not a value of type Int32: 3000000000"),
    "g-nested.json": expect.stringContaining("n is not a value of type Int32"),
    "h-bytes.json": expect.stringContaining("an object is missing"),
    "j-deep.json": expect.stringContaining("nested too deeply"),
  });
});

test("an array that is half written or no array gives no rows and is told once", async () => {
  const array = JSON.stringify(
    good
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown),
  );
  await using files = await TextCase.create();
  await files.put({
    "a-good.json": array,
    "b-half.json": array.slice(0, -20),
    "c-lines.json": good,
    "d-empty.json": "",
  });
  const { result, reasons } = await files.run({ type: "json", layout: "array" });
  expect(Object.keys(reasons).toSorted()).toEqual(["b-half.json", "c-lines.json"]);
  expect(result.rows).toMatchObject({ read: 2, written: 2, invalid: 2 });
});

test("a line of a million characters is a row like any other", async () => {
  const text = "x".repeat(1_000_000);
  await using files = await TextCase.create();
  await files.put({ "a.json": `${good}{"n":3,"text":"${text}","at":"2026-01-01T00:00:02Z"}\n`, "b.json": good });
  const { result, reasons } = await files.run({ type: "json" });
  expect(reasons).toEqual({});
  expect(result.rows).toMatchObject({ read: 5, written: 5 });
  expect((await files.written()).find(({ n }) => n === 3)!.text).toBe(text);
});

test("ten billion zeros in a compressed file cost neither the memory nor the run", async () => {
  await using files = await TextCase.create();
  await files.put({ "a-good.json": good, "c-good.json": good });
  files.putZeros("b-bomb.json.gz");
  const { result, reasons } = await files.run({ type: "json" });
  expect(reasons).toEqual({ "b-bomb.json.gz": expect.stringContaining("a row is longer than 16777216 bytes") });
  expect(result.rows).toMatchObject({ read: 4, written: 4, invalid: 1 });
});
