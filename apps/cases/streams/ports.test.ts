import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { registry } from "@sferic/catalog";
import { planPipeline, type RunResult, runPipeline } from "@sferic/engine";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { jsonRowsIn } from "../json-rows.ts";

let base: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "sferic-ports-"));
  await mkdir(join(base, "in"));
});

afterEach(() => rm(base, { recursive: true }));

/** Seconds after 2026 of the rows of each file; null for a row without time. */
async function files(...all: (number | null)[][]): Promise<void> {
  for (const [index, seconds] of all.entries()) {
    const rows = seconds.map((second) => ({ ts: second === null ? null : timeOf(second), v: index }));
    await writeFile(
      join(base, "in", `${String(index).padStart(2, "0")}.json`),
      rows.map((row) => `${JSON.stringify(row)}\n`).join(""),
    );
  }
}

function timeOf(second: number): string {
  return new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();
}

async function run(
  transform: object,
  options: object = {},
  ports = ["out", "out.late", "out.invalid"],
): Promise<RunResult> {
  const sink = (from: string): object => ({ type: "files", from, url: `./${from}/`, format: { type: "json" } });
  const spec = {
    name: "ports",
    sources: {
      rows: {
        type: "files",
        url: "./in/*.json",
        filesPerEpoch: 1,
        format: { type: "json", schema: { ts: "timestamp", v: "int32" } },
        watermark: { column: "ts", delay: "10 s" },
      },
    },
    transforms: { out: { from: "rows", ...transform } },
    sinks: Object.fromEntries(ports.map((port) => [`to-${port.replace(".", "-")}`, sink(port)])),
    run: { trigger: "available-now", checkpoint: "./checkpoint", ...options },
  };
  return runPipeline(spec, { registry, baseDirectory: base });
}

/** Rows of a folder, file by file. */
function written(port: string): Promise<Record<string, unknown>[]> {
  return jsonRowsIn(join(base, port));
}

const counted = { type: "aggregate", window: { column: "ts", size: "30 s" }, measures: { rows: "count(*)" } };

it("late rows say which window they missed, and rows without time are invalid", async () => {
  await files([5], [100, null], [110], [6, 101]);
  const result = await run(counted);
  expect(result).toMatchObject({
    state: "succeeded",
    rows: { late: 1, invalid: 1 },
    watermarks: { rows: "2026-01-01T00:01:40Z" },
  });
  const [late, ...others] = await written("out.late");
  expect(others).toEqual([]);
  expect(late).toMatchObject({ v: 3 });
  const times = ["ts", "window_start", "window_end", "watermark"].map((name) =>
    new Date(late![name] as string).toISOString(),
  );
  expect(times).toEqual([6, 0, 30, 100].map(timeOf));
  expect(await written("out.invalid")).toMatchObject([{ v: 1 }]);
  expect((await written("out")).map(({ rows }) => rows)).toEqual([1]);
});

it("open windows are held for the next run, or flushed where the spec says so", async () => {
  await files([5, 40]);
  await run(counted);
  expect(await written("out")).toHaveLength(1);
  await writeFile(join(base, "in", "98.json"), `{"ts":"${timeOf(41)}","v":9}\n`);
  await run(counted, { onEnd: "flush" });
  expect((await written("out")).map(({ rows }) => rows)).toEqual([1, 2]);
});

it("a duplicate passes again when the watermark has passed the first one, and one without time is invalid", async () => {
  await files([5, 5, null], [30, 5], [60], [61]);
  const keys = { type: "deduplicate", keys: ["v"], withinWatermark: true };
  const result = await run(keys);
  expect(result.rows).toMatchObject({ late: 0, invalid: 1 });
  expect((await written("out")).map(({ v }) => v)).toEqual([0, 1, 2, 3]);
});

it("files of state that nothing needs any more are removed", async () => {
  const seconds = Array.from({ length: 30 }, (_, index) => [index * 20]);
  await files(...seconds);
  await run(counted, {}, ["out"]);
  const left = await readdir(join(base, "checkpoint", "state", "out"));
  expect(left.length).toBeGreaterThan(0);
  expect(left.length).toBeLessThan(15);
  expect(await written("out")).toHaveLength(19);
});

it("a file of state that was altered stops the run", async () => {
  await files([5], [40]);
  await run(counted, {}, ["out"]);
  const folder = join(base, "checkpoint", "state", "out");
  for (const name of await readdir(folder)) await writeFile(join(folder, name), "nonsense");
  await writeFile(join(base, "in", "99.json"), `{"ts":"${timeOf(50)}","v":9}\n`);
  const result = await run(counted, {}, ["out"]);
  expect(result).toMatchObject({ state: "failed", error: { code: "checkpoint-corrupt" } });
});

describe("a port that can have no rows is an issue, with what its rows would be", () => {
  const rows = { type: "files", url: "./in/*.json", format: { type: "json", schema: { ts: "timestamp", v: "int32" } } };
  it.each([
    ["an aggregate without windows", { type: "aggregate", from: "rows", measures: { n: "count(*)" } }, "late"],
    ["rows that are deduplicated without a watermark", { type: "deduplicate", from: "rows", keys: ["v"] }, "invalid"],
    [
      "a join within an epoch",
      { type: "join", from: { left: "rows", right: "rows" }, on: ["v"], suffix: "_r" },
      "late",
    ],
  ])("%s", async (_, out, port) => {
    const spec = {
      name: "ports",
      sources: { rows },
      transforms: { out },
      sinks: { end: { type: "console", from: `out.${port}` } },
    };
    const { plan, issues } = await planPipeline(spec, { registry });
    expect(plan).toBeNull();
    expect(issues).toMatchObject([{ code: "empty-port", pointer: "/sinks/end/from" }]);
    expect(issues[0]!.message).toContain("Rows ");
  });
});

it("files are taken whole: a bound in rows is refused", async () => {
  const rows = {
    type: "files",
    url: "./in/*.json",
    rowsPerEpoch: 10,
    format: { type: "json", schema: { v: "int32" } },
  };
  const { issues } = await planPipeline(
    { name: "ports", sources: { rows }, sinks: { end: { type: "console", from: "rows" } } },
    { registry },
  );
  expect(issues).toMatchObject([{ code: "unused-bound", pointer: "/sources/rows/rowsPerEpoch" }]);
  expect(issues[0]!.message).toContain("set filesPerEpoch or bytesPerEpoch instead");
});
