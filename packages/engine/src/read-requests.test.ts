import { column, createRegistry, defineSink, defineSource, defineTransform, Schema } from "@sferic/operator";
import { z } from "zod";
import { expect, test } from "vitest";
import { planPipeline } from "./plan.ts";
import { readRequests } from "./read-requests.ts";
import { NumberBatches } from "./testing/number-batches.ts";

const common = { since: "0.1.0", status: "stable", summary: "For tests.", errors: [], examples: [] } as const;
const abc = new Schema([column("text", "utf8"), column("a", "int32"), column("b", "int32"), column("c", "int32")]);

const table = defineSource({
  ...common,
  type: "table",
  config: z.strictObject({ known: z.boolean().default(true) }),
  output: ({ known }) => ({ main: known ? abc : null }),
  create: () => ({ latestOffset: async () => null, async *read() {} }),
});

/** Says what it reads beside what is wanted of it, and that a row must have more than 0 in each of those columns. */
const sieve = defineTransform({
  ...common,
  type: "sieve",
  needs: "batch",
  config: z.strictObject({ columns: z.array(z.string()) }),
  output: ({ main }) => ({ main: main! }),
  reads: (_, { columns }, wanted) => ({ main: [...wanted, ...columns] }),
  keeps: (_, { columns }) => columns.map((name) => ({ column: name, comparison: ">", values: ["0"] })),
  create: () => ({ apply: (batches) => batches }),
});

const pick = defineTransform({
  ...common,
  type: "pick",
  needs: "batch",
  ports: { rest: "What is not picked." },
  config: z.strictObject({ columns: z.array(z.string()) }),
  output: ({ main }, { columns }) => ({ main: new Schema(main!.pick(columns)), rest: main! }),
  reads: (_, { columns }) => ({ main: columns }),
  create: () => ({ apply: (batches) => batches }),
});

const pair = defineTransform({
  ...common,
  type: "pair",
  needs: "epoch",
  inputs: { left: "Rows.", right: "Rows." },
  config: z.strictObject({}),
  output: ({ left }) => ({ main: left! }),
  reads: (_inputs, _config, wanted) => ({ left: [...wanted, "a"] }),
  create: () => ({ apply: (batches) => batches }),
});

const opaque = defineTransform({
  ...common,
  type: "opaque",
  needs: "batch",
  config: z.strictObject({}),
  output: ({ main }) => ({ main: main! }),
  create: () => ({ apply: (batches) => batches }),
});

const end = defineSink({
  ...common,
  type: "end",
  delivery: { guarantee: "exactly-once", why: "nothing is written" },
  config: z.strictObject({}),
  create: () => ({ stage: async () => null, publish: async () => ({ files: [] }) }),
});

const registry = createRegistry(new NumberBatches().factory, [], [table, sieve, pick, pair, opaque, end]);

interface Asked {
  columns: readonly string[] | undefined;
  conditions: string[];
}

async function asked(spec: object, shown: readonly string[] = []): Promise<Record<string, Asked>> {
  const { plan, issues } = await planPipeline({ name: "p", ...spec }, { registry });
  expect(issues.filter(({ severity }) => severity === "error")).toEqual([]);
  const references = shown.map((operator) => ({ operator, port: "main" }));
  const requests = readRequests(plan!.operators, references);
  const told = [...requests].map(([id, { columns, conditions }]) => [
    id,
    { columns, conditions: conditions.map((condition) => condition.column) },
  ]);
  return Object.fromEntries(told) as Record<string, Asked>;
}

const sources = { t: { type: "table" } };
const toEnd = (from: string): object => ({ s: { type: "end", from } });

test("columns that nobody reads are not asked for, and conditions of the filters below are handed down", async () => {
  const transforms = {
    f: { type: "sieve", from: "t", columns: ["c"] },
    g: { type: "sieve", from: "f", columns: ["c", "b"] },
    p: { type: "pick", from: "g", columns: ["a"] },
  };
  expect(await asked({ sources, transforms, sinks: toEnd("p") })).toEqual({
    t: { columns: ["a", "b", "c"], conditions: ["c", "c", "b"] },
  });
});

test("a sink, an operator that does not say, and what is shown are given all columns", async () => {
  const all = { columns: undefined, conditions: [] };
  const transforms = { o: { type: "opaque", from: "t" }, p: { type: "pick", from: "o", columns: ["a"] } };
  expect(await asked({ sources, transforms, sinks: toEnd("p") })).toEqual({ t: all });
  expect(await asked({ sources, sinks: toEnd("t") })).toEqual({ t: all });
  const one = { p: { type: "pick", from: "t", columns: ["a"] } };
  expect(await asked({ sources, transforms: one, sinks: toEnd("p") }, ["t"])).toEqual({ t: all });
});

test("two readers are given what either needs, and no condition of one of them", async () => {
  const transforms = {
    f: { type: "sieve", from: "t", columns: ["b"] },
    p: { type: "pick", from: "f", columns: ["a"] },
    q: { type: "pick", from: "t", columns: ["c"] },
  };
  const sinks = { ...toEnd("p"), u: { type: "end", from: "q" } };
  expect(await asked({ sources, transforms, sinks })).toEqual({ t: { columns: ["a", "b", "c"], conditions: [] } });
});

test("a port beside the main one needs all columns", async () => {
  const transforms = { p: { type: "pick", from: "t", columns: ["a"] } };
  const sinks = { ...toEnd("p"), u: { type: "end", from: "p.rest" } };
  expect(await asked({ sources, transforms, sinks })).toEqual({ t: { columns: undefined, conditions: [] } });
});

test("each input of a transform is asked for its own columns; one it does not speak of for all", async () => {
  const transforms = {
    pair: { type: "pair", from: { left: "t", right: "u" } },
    p: { type: "pick", from: "pair", columns: ["b"] },
  };
  expect(await asked({ sources: { ...sources, u: { type: "table" } }, transforms, sinks: toEnd("p") })).toEqual({
    t: { columns: ["a", "b"], conditions: [] },
    u: { columns: undefined, conditions: [] },
  });
});

test("rows of which no column is read are still counted, by one narrow column", async () => {
  const transforms = { p: { type: "pick", from: "t", columns: [] } };
  expect(await asked({ sources, transforms, sinks: toEnd("p") })).toEqual({ t: { columns: ["a"], conditions: [] } });
});

test("columns that only the data will tell are all read", async () => {
  const transforms = { f: { type: "sieve", from: "t", columns: ["c"] } };
  const unknown = { t: { type: "table", known: false } };
  expect(await asked({ sources: unknown, transforms, sinks: toEnd("f") })).toEqual({
    t: { columns: undefined, conditions: [] },
  });
});
