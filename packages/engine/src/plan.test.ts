import { column, ConfigError, defineSource, defineTransform, Schema } from "@sferic/operator";
import { expect, test } from "vitest";
import { z } from "zod";
import { type PlanResult, planPipeline } from "./plan.ts";
import { declared, Recorder } from "./testing/recorder.ts";

const places = new Schema([column("lat", "float64", { unit: "degrees_north" }), column("name", "utf8")]);

/** `found`: columns that only a look at the data tells. */
const found = defineSource({
  ...declared,
  type: "found",
  config: z.strictObject({}),
  output: (_, { probe }) => ({ main: probe ? places : null }),
  create: () => {
    throw new Error("Planning creates nothing.");
  },
});

/** `pick`: the columns it names. */
const pick = defineTransform({
  ...declared,
  type: "pick",
  needs: "batch",
  config: z.strictObject({ columns: z.array(z.string()) }),
  output: ({ main }, { columns }) => ({ main: new Schema(main!.pick(columns)) }),
  create: () => ({ apply: (batches) => batches }),
});

const { registry } = new Recorder([found, pick] as never[]);

function planOf(spec: object | string, probe = true): Promise<PlanResult> {
  return planPipeline(spec, { registry, probe, file: "places.json" });
}

function specWith(transforms: object, sink: object = {}): object {
  const from = Object.keys(transforms).at(-1) ?? "source";
  return {
    name: "p",
    sources: { source: { type: "found" } },
    transforms,
    sinks: { end: { type: "keeper", from, ...sink } },
  };
}

test("columns are followed from operator to operator, with types and units", async () => {
  const { plan, issues } = await planOf(specWith({ one: { type: "pick", from: "source", columns: ["lat"] } }));
  expect(issues).toEqual([]);
  expect(plan!.operators.map(({ node }) => node.id)).toEqual(["source", "one", "end"]);
  expect(plan!.operators[2]!.inputs["main"]!.columns).toEqual([
    { name: "lat", type: "float64", nullable: false, unit: "degrees_north" },
  ]);
});

test("an unknown column is an issue at its place in the text, with the nearest name", async () => {
  const text = `{
  "name": "p",
  "sources": { "source": { "type": "found" } },
  "transforms": {
    "one": { "type": "pick", "from": "source",
             "columns": ["name", "latt"] }
  },
  "sinks": { "end": { "type": "keeper", "from": "one" } }
}`;
  const { plan, issues } = await planOf(text);
  expect(plan).toBeNull();
  expect(issues).toHaveLength(1);
  expect(issues[0]).toMatchObject({
    code: "unknown-column",
    severity: "error",
    pointer: "/transforms/one/columns/1",
    line: 6,
    column: text.split("\n")[5]!.indexOf('"latt"') + 1,
    hint: "lat",
  });
});

test("where only the data tells the columns, a plan without a look at it leaves them open", async () => {
  const { plan, issues } = await planOf(
    specWith({ one: { type: "pick", from: "source", columns: ["nothing"] } }),
    false,
  );
  expect(issues).toEqual([]);
  expect(plan!.operators.map(({ inputs }) => inputs["main"])).toEqual([undefined, null, null]);
});

test("all operators with mistakes are told at once, in the order of the text", async () => {
  const { issues } = await planOf(
    specWith({
      one: { type: "pick", from: "source", columns: ["a", "b"] },
      two: { type: "pick", from: "source", columns: ["lat", "c"] },
    }),
  );
  expect(issues.filter(({ code }) => code === "unknown-column").map(({ pointer }) => pointer)).toEqual([
    "/transforms/one/columns/0",
    "/transforms/one/columns/1",
    "/transforms/two/columns/1",
  ]);
});

test("an output mode that has no meaning is refused with the one that has", async () => {
  const { plan, issues } = await planOf(specWith({}, { outputMode: "update" }));
  expect(plan).toBeNull();
  expect(issues).toMatchObject([
    { code: "output-mode", pointer: "/sinks/end/outputMode", message: expect.stringContaining('"append"') },
  ]);
});

test("rows of several operators into one input must have the same columns", async () => {
  const transforms = {
    one: { type: "pick", from: "source", columns: ["lat"] },
    two: { type: "pick", from: "source", columns: ["name"] },
  };
  expect((await planOf(specWith(transforms, { from: ["one", "one"] }))).plan).not.toBeNull();
  const { issues } = await planOf(specWith(transforms, { from: ["one", "two"] }));
  expect(issues).toMatchObject([
    {
      code: "schema-mismatch",
      pointer: "/sinks/end/from",
      message: expect.stringMatching(/"one.main" and "two.main".*lat float64 and name utf8/),
    },
  ]);
});

test("a failure of an operator's own planning is an issue, not an exception", async () => {
  const failing = defineSource({
    ...declared,
    type: "failing",
    config: z.strictObject({ config: z.boolean() }),
    output: (c) => {
      throw c.config
        ? new ConfigError([{ code: "too-bad", message: "this will not do", pointer: "/config" }])
        : new Error("boom");
    },
    create: () => {
      throw new Error("Planning creates nothing.");
    },
  });
  const options = { registry: new Recorder([failing as never]).registry };
  const spec = (config: boolean): object => ({
    name: "p",
    sources: { source: { type: "failing", config } },
    sinks: { end: { type: "keeper", from: "source" } },
  });
  expect((await planPipeline(spec(true), options)).issues).toMatchObject([
    { code: "too-bad", pointer: "/sources/source/config" },
  ]);
  expect((await planPipeline(spec(false), options)).issues).toMatchObject([
    { code: "internal-error", message: "boom" },
  ]);
});

test("a file URL that is no path here is an issue wherever it stands", async () => {
  const elsewhere = defineSource({
    ...declared,
    type: "located",
    config: z.strictObject({ url: z.string(), format: z.looseObject({}) }),
    output: (c, { resolvePath }) => {
      resolvePath(c.url);
      return { main: places };
    },
    create: () => {
      throw new Error("Planning creates nothing.");
    },
  });
  const spec = {
    ...specWith({}),
    sources: { source: { type: "located", url: "file://host/a.csv", format: { type: "x", "a/b": "file://c" } } },
    run: { checkpoint: "file://host/check" },
  };
  const options = { registry: new Recorder([elsewhere as never]).registry };
  const { plan, issues } = await planPipeline(spec, options);
  expect(plan).toBeNull();
  expect(issues.map(({ code, pointer }) => `${code} ${pointer}`)).toEqual([
    "invalid-url /sources/source/url",
    "invalid-url /sources/source/format/a~1b",
    "invalid-url /run/checkpoint",
  ]);
  expect(
    (
      await planPipeline(
        { ...spec, sources: { source: { type: "located", url: "file:///a.csv", format: {} } } },
        options,
      )
    ).issues,
  ).toHaveLength(1);
});

test("operators without errors are planned beside those that have some, so that all mistakes are told at once", async () => {
  const { plan, issues } = await planOf({
    name: "p",
    sources: { source: { type: "found" } },
    transforms: {
      one: { type: "pick", from: "source", columns: ["latt"] },
      two: { type: "pick", from: "source", colums: ["lat"] },
      three: { type: "pick", from: "two", columns: ["nothing is known of two"] },
    },
    sinks: { end: { type: "keeper", from: ["one", "three"], slowMs: "soon" } },
    tests: [
      { name: "", given: {}, expect: {} },
      { name: "a", given: { sourc: [] }, expect: { two: [] } },
      { name: "b", given: {}, expect: { two: [], "one.mian": [] } },
    ],
  });
  expect(plan).toBeNull();
  expect(issues.map(({ code, pointer }) => `${code} ${pointer}`)).toEqual([
    "unknown-column /transforms/one/columns/0",
    "unknown-field /transforms/two/colums",
    "invalid-value /sinks/end/slowMs",
    "invalid-value /tests/0/name",
    "unknown-id /tests/1/given/sourc",
    "unknown-port /tests/2/expect/one.mian",
  ]);
});
