import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type FormatName, type Input, inputsBelow } from "./inputs.ts";
import { readWithSferic } from "./read-with-sferic.ts";
import type { Reference } from "./reference.ts";
import { isListed, type Outcome, table } from "./table.ts";

let folder: string;
const reference = { dimensions: async () => ["x", "y"] } as unknown as Reference;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sferic-conformance-"));
  await mkdir(join(folder, "files/table/_delta_log"), { recursive: true });
  for (const name of ["a.csv", "b [1].csv", "c.txt", "table/part.parquet", "grid.nc"])
    await writeFile(join(folder, "files", name), name.endsWith(".csv") ? "n\n1\n" : "");
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function inputs(format: FormatName): Promise<Input[]> {
  return Array.fromAsync(inputsBelow(format, join(folder, "files"), reference));
}

test("files are found by their endings, NetCDF files once per dimension, Delta tables by their log", async () => {
  const titles = async (format: FormatName): Promise<string[]> => (await inputs(format)).map(({ title }) => title);
  expect(await titles("csv")).toEqual(["a.csv", "b [1].csv"]);
  expect(await titles("parquet")).toEqual(["table/part.parquet"]);
  expect(await titles("netcdf")).toEqual(["grid.nc x", "grid.nc y"]);
  expect(await titles("delta")).toEqual(["table"]);
});

test("a file is read whatever its name, one that cannot be read is refused", async () => {
  const [, odd] = await inputs("csv");
  expect(await readWithSferic(odd!, folder)).toMatchObject({ parts: [expect.any(String)], invalid: 0 });
  const [empty] = await inputs("parquet");
  expect(await readWithSferic(empty!, folder)).toMatchObject({ parts: null });
});

test("outcomes are counted by format and folder; equal ones are not listed", () => {
  const outcome = (verdict: Outcome["verdict"]): Outcome => ({
    input: { format: "csv", path: "/p", title: "p" },
    folder: "d",
    verdict,
    reason: undefined,
  });
  const outcomes = [outcome("equal"), outcome("equal"), outcome("wrong")];
  expect(table(outcomes).split("\n").at(-1)).toBe("| csv | d | 3 | 2 | 0 | 0 | 0 | 0 | 1 |");
  expect(outcomes.map(isListed)).toEqual([false, false, true]);
});
