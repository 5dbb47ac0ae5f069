import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Column, column, createRegistry, defineSink, defineSource, type Registry, Schema } from "@sferic/operator";
import { z } from "zod";
import { expect, test } from "vitest";
import { planPipeline, type PlanResult } from "../plan.ts";
import { runPlan } from "../run.ts";
import { inspectCheckpoint } from "./inspect.ts";
import { NumberBatches } from "../testing/number-batches.ts";
import { scratchFolder } from "../testing/scratch.ts";

const common = { since: "0.1.0", status: "stable", summary: "For tests.", errors: [], examples: [] } as const;

/** A source that finds the columns in its input, as a file without a declared schema, unless it declares them. */
function registryOf(found: readonly Column[], asked: (string[] | undefined)[]): Registry {
  const source = defineSource({
    ...common,
    type: "found",
    config: z.strictObject({ declared: z.string().optional() }),
    output: ({ declared }, { pinned, pin }) => {
      if (declared !== undefined) return { main: new Schema([column(declared, "int32")]) };
      const main = pinned ?? new Schema(found);
      pin?.(main);
      return { main };
    },
    create: (_, { request }) => ({
      latestOffset: async (previous) => (previous === null ? 1 : null),
      async *read() {
        asked.push(request?.schema?.names);
        yield { bytesRead: 0 };
      },
    }),
  });
  const sink = defineSink({
    ...common,
    type: "end",
    delivery: { guarantee: "exactly-once", why: "nothing is written" },
    config: z.strictObject({}),
    create: () => ({ stage: async () => null, publish: async () => ({ files: [] }) }),
  });
  return createRegistry(new NumberBatches().factory, [], [source, sink]);
}

function spec(source: object = {}): object {
  return {
    name: "p",
    sources: { t: { type: "found", ...source } },
    sinks: { s: { type: "end", from: "t" } },
    run: { checkpoint: "./check" },
  };
}

const plan = (registry: Registry, baseDirectory: string, source?: object, probe = true): Promise<PlanResult> =>
  planPipeline(spec(source), { registry, baseDirectory, probe });

const [first, later] = [column("first", "int64"), column("later", "utf8")];

test("columns stay those that the first run found; without a checkpoint nothing is kept", async () => {
  const folder = await scratchFolder();
  const asked: (string[] | undefined)[] = [];
  const begun = await plan(registryOf([first], asked), folder);
  expect((await runPlan(begun.plan!)).state).toBe("succeeded");
  const again = await plan(registryOf([later], asked), folder);
  expect(again.plan!.operators[0]!.outputs["main"]!.names).toEqual(["first"]);
  expect((await plan(registryOf([later], asked), join(folder, "elsewhere"))).plan!.pins["t"]!.names).toEqual(["later"]);
  expect(asked).toEqual([["first"]]);
});

test("declared columns that differ from the kept ones are an issue", async () => {
  const folder = await scratchFolder();
  await runPlan((await plan(registryOf([first], []), folder)).plan!);
  const { issues } = await plan(registryOf([first], []), folder, { declared: "other" });
  expect(issues).toMatchObject([{ code: "pinned-schema", severity: "error", pointer: "/sources/t" }]);
  expect(issues[0]!.message).toContain("first int64");
  expect(issues[0]!.message).toContain("other int32");
});

test("declared columns are not kept: they may change", async () => {
  const folder = await scratchFolder();
  await runPlan((await plan(registryOf([first], []), folder, { declared: "one" })).plan!);
  expect((await plan(registryOf([first], []), folder, { declared: "other" })).issues).toEqual([]);
});

test("a record that is not what was written is an issue, and a plan that may open nothing does not look", async () => {
  const folder = await scratchFolder();
  await runPlan((await plan(registryOf([first], []), folder)).plan!);
  const path = join(folder, "check", "schemas.json");
  await writeFile(path, (await readFile(path, "utf8")).replace("int64", "int32"));
  const { issues } = await plan(registryOf([first], []), folder);
  expect(issues).toMatchObject([{ code: "checkpoint-corrupt", pointer: "/run/checkpoint" }]);
  expect((await plan(registryOf([later], []), folder, {}, false)).issues).toEqual([]);
  expect((await inspectCheckpoint(join(folder, "check"))).findings).toMatchObject([{ problem: "corrupt", path }]);
});

test("columns that were kept and are gone are noticed, and others are not kept in their place", async () => {
  const folder = await scratchFolder();
  await runPlan((await plan(registryOf([first], []), folder)).plan!);
  const path = join(folder, "check", "schemas.json");
  await rm(path);
  const { error } = await runPlan((await plan(registryOf([later], []), folder)).plan!);
  expect(error).toMatchObject({ code: "checkpoint-corrupt", details: { path } });
  expect((await inspectCheckpoint(join(folder, "check"))).findings).toMatchObject([{ problem: "corrupt", path }]);
});
