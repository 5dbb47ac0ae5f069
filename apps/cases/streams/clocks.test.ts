import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { registry } from "@sferic/catalog";
import { planPipeline, readDeadLetters, type RunEvent, type RunResult, runPipeline } from "@sferic/engine";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { jsonRowsIn } from "../json-rows.ts";

let base: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "sferic-clocks-"));
});

afterEach(() => rm(base, { recursive: true }));

const start = Date.UTC(2026, 0, 1);
const timeOf = (second: number): string => new Date(start + second * 1000).toISOString();

async function add(source: string, name: string, seconds: readonly number[]): Promise<void> {
  await mkdir(join(base, source), { recursive: true });
  const lines = seconds.map((second, n) => `${JSON.stringify({ ts: timeOf(second), n })}\n`);
  await writeFile(join(base, source, `${name}.json`), lines.join(""));
}

function written(port: string): Promise<Record<string, unknown>[]> {
  return jsonRowsIn(join(base, "out", port));
}

const sink = (from: string): object => ({ type: "files", from, url: `./out/${from}/`, format: { type: "json" } });
const source = (id: string, watermark: object): object => ({
  type: "files",
  url: `./${id}/*.json`,
  filesPerEpoch: 1,
  format: { type: "json", schema: { ts: "timestamp", n: "int32" } },
  ...("column" in watermark ? { watermark } : {}),
});
const counted = { type: "aggregate", window: { column: "ts", size: "10 s" }, measures: { rows: "count(*)" } };

/** Seconds of the windows that came out, with their rows. */
async function windows(): Promise<[number, number][]> {
  const rows = await written("windows");
  const told = rows.map(({ window_start: at, rows: count }) => [(Date.parse(at as string) - start) / 1000, count]);
  return told as [number, number][];
}

describe("rows ahead of the clock", () => {
  const watermark = { column: "ts", delay: "0 s", futureSkewMax: "1 minute" };
  const spec = (sinks: object, of: object = { rows: source("rows", watermark) }): object => ({
    name: "skewed",
    sources: of,
    transforms: { windows: { ...counted, from: "rows" } },
    sinks: { "to-windows": sink("windows"), ...sinks },
    run: { trigger: "available-now", checkpoint: "./checkpoint" },
  });
  const run = async (of: object, onEvent: (event: RunEvent) => void = () => {}): Promise<RunResult> =>
    runPipeline(of, { registry, baseDirectory: base, nowMs: () => start, onEvent });

  it("are invalid with their place and do not move the watermark, those at the limit count", async () => {
    await add("rows", "1", [5, 3600, 60.001, 12]);
    await add("rows", "2", [6, 60]);
    await add("rows", "3", [7]);
    const result = await run(spec({ invalid: sink("rows.invalid") }));
    expect(result).toMatchObject({ state: "succeeded", rows: { read: 5, invalid: 2, late: 1 } });
    expect(result.watermarks).toEqual({ rows: "2026-01-01T00:01:00Z" });
    expect(await windows()).toEqual([
      [0, 2],
      [10, 1],
    ]);
    const invalid = await written("rows.invalid");
    expect(invalid.map(({ name, position }) => [name, position])).toEqual([
      ["rows", 1],
      ["rows", 2],
    ]);
    expect(invalid[0]!["reason"]).toBe(
      `"ts" is more than 1 minute ahead of the clock, 2026-01-01T00:00:00.000Z: {"ts":"2026-01-01T01:00:00Z"}`,
    );
    expect(result.deadLetters).toEqual([]);
  });

  it("are dead letters where nobody reads them, and the same ones after a failure, whatever the time is then", async () => {
    await add("rows", "1", [5, 3600]);
    const plain = spec({ all: sink("rows") });
    const failing = (event: RunEvent): void => {
      if (event.type === "point" && event.point === "staged") throw new Error("the machine failed");
    };
    expect((await run(plain, failing)).state).toBe("failed");
    const later = await runPipeline(plain, { registry, baseDirectory: base, nowMs: () => start + 7_200_000 });
    expect(later.state).toBe("succeeded");
    const letters = (await Array.fromAsync(readDeadLetters(join(base, "checkpoint")))).flatMap((file) => file.letters);
    expect(letters).toMatchObject([{ source: "rows", name: "rows", position: 1, isPart: true }]);
    expect(letters[0]!.reason).toContain('{"ts":"2026-01-01T01:00:00Z","n":1}');
    expect((await written("rows")).map(({ n }) => n)).toEqual([0]);
  });

  it("of a transform have a port, too", async () => {
    await add("rows", "1", [5, 3600]);
    const flat = { type: "filter", from: "rows", where: "n >= 0", watermark };
    const of = {
      ...spec({ invalid: sink("flat.invalid") }, { rows: source("rows", {}) }),
      transforms: { flat, windows: { ...counted, from: "flat" } },
    };
    expect(await run(of)).toMatchObject({ state: "succeeded", rows: { invalid: 1 } });
    expect(await written("flat.invalid")).toMatchObject([{ name: "flat", position: 1 }]);
  });

  it("cannot be told by an operator with invalid rows of its own", async () => {
    const own = { ...counted, from: "rows", watermark: { ...watermark, column: "window_start" } };
    const { plan, issues } = await planPipeline({ ...spec({}), transforms: { windows: own } }, { registry });
    expect(plan).toBeNull();
    expect(issues).toMatchObject([{ code: "not-supported", pointer: "/transforms/windows/watermark/futureSkewMax" }]);
  });
});

describe("a silent source", () => {
  const watermark = { column: "ts", delay: "0 s", idleAfter: "30 s" };
  const spec = {
    name: "silent",
    sources: { busy: source("busy", watermark), silent: source("silent", watermark) },
    transforms: {
      both: { type: "union", from: ["busy", "silent"] },
      windows: { ...counted, from: "both" },
    },
    sinks: { "to-windows": sink("windows"), late: sink("windows.late") },
    run: { trigger: "available-now", checkpoint: "./checkpoint" },
  };
  const runAt = async (second: number): Promise<RunResult> =>
    runPipeline(spec, { registry, baseDirectory: base, nowMs: () => start + second * 1000 });

  it("holds the windows of others back until it is idle, not a millisecond longer", async () => {
    await add("busy", "1", [1]);
    await add("silent", "1", [2]);
    await runAt(100);
    await add("busy", "2", [45]);
    await runAt(129.999);
    expect(await windows()).toEqual([]);
    await runAt(130);
    expect(await windows()).toEqual([[0, 2]]);
    await add("silent", "2", [3, 46]);
    // It is late for what closed without it.
    expect((await runAt(131)).rows).toMatchObject({ late: 1 });
    expect(await windows()).toEqual([[0, 2]]);
  });
});
