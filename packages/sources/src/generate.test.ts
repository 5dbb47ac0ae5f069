import { type Batch, ConfigError } from "@sferic/operator";
import { describeSource, epochOf, operatorContext, planContext, rowTexts } from "@sferic/testkit";
import { expect, test } from "vitest";
import { generate } from "./generate.ts";

describeSource({
  definition: generate,
  onePortion: { rowsPerEpoch: 3 },
  portionsAheadMax: 0,
  arrange: async (_, portionCount) => ({
    config: { rows: 3 * portionCount, columns: { n: "index", r: "random", s: "random_2 * 10" }, seed: 1 },
  }),
  arrangeExamples: async () => ({}),
});

async function rows(config: object): Promise<string[]> {
  const source = generate.create(generate.config.parse(config), operatorContext({ directory: "/" }));
  const end = await source.latestOffset(null, {});
  const texts: string[] = [];
  for await (const batch of source.read(null, end!, epochOf())) {
    texts.push(...rowTexts(batch as Batch));
    (batch as Batch).close();
  }
  return texts;
}

test("expressions see the row's number", async () => {
  expect(await rows({ rows: 3, columns: { n: "index * 2", text: "'row ' || index" } })).toEqual([
    '0|"row 0"',
    '2|"row 1"',
    '4|"row 2"',
  ]);
});

test("rows are the same however many there are, and others with another seed", async () => {
  const columns = { r: "random", q: "random_8" };
  const many = await rows({ rows: 70_000, columns, seed: 3 });
  expect(many).toHaveLength(70_000);
  expect(new Set(many).size).toBe(70_000);
  expect(await rows({ rows: 10, columns, seed: 3 })).toEqual(many.slice(0, 10));
  expect(await rows({ rows: 10, columns, seed: 4 })).not.toEqual(many.slice(0, 10));
  // A column keeps its numbers whatever others are used beside it.
  expect(await rows({ rows: 10, columns: { q: "random_8" }, seed: 3 })).toEqual(
    many.slice(0, 10).map((row) => row.split("|")[1]),
  );
});

test("an expression over what is not there is an issue at its place", async () => {
  const config = generate.config.parse({ rows: 1, columns: { n: "indx" } });
  const output = async (): Promise<unknown> => generate.output(config, planContext({ directory: "/" }));
  await expect(output()).rejects.toThrow(ConfigError);
  await expect(output()).rejects.toMatchObject({
    problems: [{ code: "unknown-column", pointer: "/columns/n", hint: "index" }],
  });
});
