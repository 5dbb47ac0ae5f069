import { expect, test } from "vitest";
import { TextCase } from "./text.ts";

const header = "n,text,at\n";
const good = `${header}1,a,2026-01-01T00:00:00Z\n2,b,2026-01-01T00:00:01Z\n`;

test("rows that are half written or of wrong types are told with the reason; all others are rows", async () => {
  await using files = await TextCase.create();
  await files.put({
    "a-good.csv": good,
    "b-half.csv": good.slice(0, -10),
    "c-type.csv": `${good}many,a,2026-01-01T00:00:00Z\n3,c,2026-01-01T00:00:02Z\n`,
    "d-time.csv": `${header}1,a,yesterday\n`,
    "e-big.csv": `${header}3000000000,a,2026-01-01T00:00:00Z\n`,
    "f-few.csv": `${header}1,a\n`,
    "g-many.csv": `${header}1,a,2026-01-01T00:00:00Z,more\n`,
    "h-latin.csv": Buffer.concat([
      Buffer.from(`${header}1,`),
      Uint8Array.of(0xe9),
      Buffer.from(",2026-01-01T00:00:00Z\n"),
    ]),
    "i-good.csv": good,
  });
  const { result, reasons } = await files.run({ type: "csv" });
  expect(result).toMatchObject({ state: "succeeded", rows: { read: 8, written: 8, invalid: 7 } });
  expect((await files.written()).map(({ n }) => n)).toEqual([1, 2, 1, 1, 2, 3, 1, 2]);
  expect(reasons).toEqual({
    "b-half.csv": expect.stringContaining('line 3, column 3 (at): "2026-01-01T"'),
    "c-type.csv": expect.stringContaining('line 4, column 1 (n): "many" is not a value of type Int32'),
    "d-time.csv": expect.stringContaining('line 2, column 3 (at): "yesterday"'),
    "e-big.csv": expect.stringContaining('line 2, column 1 (n): "3000000000"'),
    "f-few.csv": expect.stringContaining("line 2, column 2: the row has 2 fields where 3 are expected"),
    "g-many.csv": expect.stringContaining("line 2, column 4: the row has 4 fields where 3 are expected"),
    "h-latin.csv": expect.stringContaining("line 2, column 2 (text)"),
  });
});

test("a file that is no such table, or whose quotes are wrong, gives no rows and is told once", async () => {
  await using files = await TextCase.create();
  await files.put({
    "a-good.csv": good,
    "b-text.csv": "This is not CSV.\n".repeat(10),
    "c-bytes.csv": Uint8Array.from({ length: 1000 }, (_, byte) => (byte * 7 + 128) % 256),
    "d-empty.csv": "",
    "e-open.csv": `${good}3,"never closed,2026-01-01T00:00:00Z\n${good}`,
    "f-behind.csv": `${good}3,"a"b,2026-01-01T00:00:00Z\n`,
    "g-long.csv": `${good}3,${"x".repeat(17 << 20)},2026-01-01T00:00:00Z\n`,
    "h-good.csv": good,
  });
  const { result, reasons } = await files.run({ type: "csv" });
  expect(result.rows).toMatchObject({ read: 4, written: 4, invalid: 6 });
  expect(reasons).toEqual({
    "b-text.csv": expect.stringContaining("neither it nor another one of them is in the file"),
    "c-bytes.csv": expect.any(String),
    "d-empty.csv": expect.stringContaining("it is empty, where a header line should be"),
    "e-open.csv": expect.stringContaining("line 4, column 2: a quote is never closed"),
    "f-behind.csv": expect.stringContaining("line 4, column 2: text follows a closing quote"),
    "g-long.csv": expect.stringContaining("the row on line 4"),
  });
});

test("a row of a million characters is a row like any other", async () => {
  await using files = await TextCase.create();
  const text = 'x,"\n'.repeat(250_000);
  await files.put({ "a.csv": `${good}3,"${text.replaceAll('"', '""')}",2026-01-01T00:00:02Z\n`, "b.csv": good });
  const { result, reasons } = await files.run({ type: "csv" });
  expect(reasons).toEqual({});
  expect(result.rows).toMatchObject({ read: 5, written: 5 });
  expect((await files.written()).find(({ n }) => n === 3)!.text).toBe(text);
});

test("ten billion zeros in a compressed file cost neither the memory nor the run", async () => {
  await using files = await TextCase.create();
  await files.put({ "a-good.csv": good, "c-good.csv": good });
  files.putZeros("b-bomb.csv.gz");
  const { result, reasons } = await files.run({ type: "csv" });
  expect(reasons).toEqual({ "b-bomb.csv.gz": expect.stringContaining("the row on line 1") });
  expect(result.rows).toMatchObject({ read: 4, written: 4, invalid: 1 });
});
