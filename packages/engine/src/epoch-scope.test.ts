import { defineTransform } from "@sferic/operator";
import { expect, test } from "vitest";
import { z } from "zod";
import { planPipeline } from "./plan.ts";
import { numbers } from "./testing/number-batches.ts";
import { declared, Recorder } from "./testing/recorder.ts";

/** `meet`: puts the rows of `left` and `right` together. */
const meet = defineTransform({
  ...declared,
  type: "meet",
  needs: "epoch",
  inputs: { left: "rows", right: "rows" },
  config: z.strictObject({}),
  output: () => ({ main: numbers }),
  create: () => ({ apply: (batches) => batches }),
});

/** `unlike`: lets each row pass once, as far as it sees. */
const unlike = defineTransform({
  ...declared,
  type: "unlike",
  needs: "epoch",
  config: z.strictObject({}),
  output: () => ({ main: numbers }),
  missesAcrossEpochs: (_, eventTime) => (eventTime === undefined ? "equal rows all pass" : undefined),
  create: () => ({ apply: (batches) => batches }),
});

const { registry } = new Recorder([meet, unlike] as never[]);

async function codes(run: object, b: object = {}): Promise<string[]> {
  const spec = {
    name: "p",
    sources: { a: { type: "numbers" }, b: { type: "numbers", ...b } },
    transforms: {
      doubled: { type: "double", from: "b" },
      both: { type: "meet", from: { left: "a", right: "doubled" } },
    },
    sinks: { end: { type: "keeper", from: "both" } },
    run,
  };
  const { issues } = await planPipeline(spec, { registry });
  expect(issues.every(({ severity, pointer }) => severity === "warning" && pointer === "/transforms/both/from")).toBe(
    true,
  );
  return issues.map(({ code }) => code);
}

test.each([
  [{ trigger: "available-now" }, {}, ["meets-within-epoch"]],
  [{ checkpoint: "./c" }, {}, ["meets-within-epoch"]],
  [{ trigger: { everyMs: 100 } }, {}, ["meets-within-epoch"]],
  [{ trigger: { everyMs: 100 } }, { role: "reference" }, []],
  [{}, {}, []],
])("run %j with %j", async (run, b, expected) => {
  expect(await codes(run, b)).toEqual(expected);
});

test("an operator says what it misses of other epochs, where there are any", async () => {
  const issuesOf = async (run: object): Promise<unknown> => {
    const spec = {
      name: "p",
      sources: { a: { type: "numbers" } },
      transforms: { once: { type: "unlike", from: "a" } },
      sinks: { end: { type: "keeper", from: "once" } },
      run,
    };
    return (await planPipeline(spec, { registry })).issues;
  };
  expect(await issuesOf({})).toEqual([]);
  const warning = { code: "meets-within-epoch", severity: "warning", message: expect.stringContaining("all pass") };
  expect(await issuesOf({ trigger: "available-now" })).toMatchObject([warning]);
});
