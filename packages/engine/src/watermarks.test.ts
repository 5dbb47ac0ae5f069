import type { OperatorNode } from "@sferic/spec";
import { describe, expect, it } from "vitest";
import { Watermarks, watermarkSources } from "./watermarks.ts";

function node(id: string, from: string[], delay?: string, idleAfter?: string): OperatorNode {
  const main = from.map((operator) => ({ operator, port: "main" }));
  const idle = idleAfter === undefined ? {} : { idleAfter };
  const watermark = delay === undefined ? {} : { watermark: { column: "ts", delay, ...idle } };
  const kind = from.length === 0 ? "source" : "transform";
  return { id, kind, type: "t", inputs: { main }, config: {}, bounds: {}, pointer: "", ...watermark };
}

const chain = [node("s", [], "10 s"), node("w", ["s"]), node("plain", [])];

it("operators downstream of a declared event time follow it, the declaring one does not", () => {
  const nodes = [...chain, node("other", [], "1 s"), node("both", ["w", "other", "plain"])];
  const sources = [...watermarkSources(nodes)].map(([id, all]) => [id, all.map((one) => one.id)]);
  expect(sources).toEqual([
    ["w", ["s"]],
    ["both", ["s", "other"]],
  ]);
});

describe("from epoch to epoch", () => {
  it("is the latest time before, minus the delay, and late what it was before that", () => {
    const watermarks = new Watermarks(chain);
    expect(watermarks.next(0)).toEqual({ w: { nowMs: 0, lateMs: 0 } });
    watermarks.resume(watermarks.next(0), watermarks.with({ s: 30_000 }, 0));
    expect(watermarks.next(0)).toEqual({ w: { nowMs: 20_000, lateMs: 0 } });
    watermarks.resume(watermarks.next(0), watermarks.with({}, 0));
    expect(watermarks.next(0)).toEqual({ w: { nowMs: 20_000, lateMs: 20_000 } });
  });

  it("never goes back, and never before 1970", () => {
    const watermarks = new Watermarks(chain);
    watermarks.resume(watermarks.next(0), watermarks.with({ s: 4000 }, 0));
    expect(watermarks.next(0)["w"]).toEqual({ nowMs: 0, lateMs: 0 });
    watermarks.resume({ w: { nowMs: 50_000, lateMs: 0 } }, { eventTimes: { s: 60_000 } });
    expect(watermarks.with({ s: 1000 }, 0)).toEqual({ eventTimes: { s: 60_000 } });
    expect(watermarks.next(0)["w"]).toEqual({ nowMs: 50_000, lateMs: 50_000 });
  });

  it("waits for the slowest input, and for one that has not begun", () => {
    const watermarks = new Watermarks([...chain, node("o", [], "1 s"), node("both", ["w", "o"])]);
    watermarks.resume({}, { eventTimes: { s: 90_000 } });
    expect(watermarks.next(0)).toEqual({ w: { nowMs: 80_000, lateMs: 0 }, both: { nowMs: 0, lateMs: 0 } });
    watermarks.resume({}, { eventTimes: { s: 90_000, o: 61_000 } });
    expect(watermarks.next(0)["both"]!.nowMs).toBe(60_000);
    expect(watermarks.reached()).toEqual({ s: "1970-01-01T00:01:20Z", o: "1970-01-01T00:01:00Z" });
  });

  it("has moved when an epoch without rows would find it later", () => {
    const watermarks = new Watermarks(chain);
    watermarks.resume(watermarks.next(0), { eventTimes: { s: 30_000 } });
    expect([watermarks.hasMoved(["w"], 0), watermarks.hasMoved([], 0)]).toEqual([true, false]);
    watermarks.resume(watermarks.next(0), { eventTimes: { s: 30_000 } });
    expect(watermarks.hasMoved(["w"], 0)).toBe(false);
  });

  it("is so much earlier behind an operator that lets rows wait, along the longest way", () => {
    const nodes = [
      node("s", [], "10 s"),
      node("j", ["s"]),
      node("k", ["s"]),
      node("after", ["j", "k"]),
      node("end", ["after"]),
    ];
    const waits: Record<string, number> = { j: 5000, k: 20_000, after: 1000 };
    const watermarks = new Watermarks(nodes, (id) => waits[id] ?? 0);
    watermarks.resume({}, { eventTimes: { s: 100_000 } });
    const reached = Object.entries(watermarks.next(0)).map(([id, { nowMs }]) => [id, nowMs]);
    expect(Object.fromEntries(reached)).toEqual({ j: 90_000, k: 90_000, after: 70_000, end: 69_000 });
  });
});

describe("an input that is idle", () => {
  const nodes = [node("a", [], "0 s", "60 s"), node("b", [], "0 s", "60 s"), node("both", ["a", "b"])];
  const reached = (watermarks: Watermarks, timeMs: number): number => watermarks.next(timeMs)["both"]!.nowMs;

  it("holds nothing back from so long after its last row on, by the clock of the epochs", () => {
    const watermarks = new Watermarks(nodes);
    watermarks.resume({}, watermarks.with({ a: 5000, b: 4000 }, 1_000_000));
    watermarks.resume({}, watermarks.with({ a: 70_000 }, 1_030_000));
    expect(reached(watermarks, 1_059_999)).toBe(4000);
    expect(watermarks.hasMoved(["both"], 1_059_999)).toBe(true);
    expect(reached(watermarks, 1_060_000)).toBe(70_000);
    const inForce = watermarks.next(1_060_000);
    watermarks.resume(inForce, watermarks.with({ b: 69_000 }, 1_060_000));
    expect(watermarks.next(1_060_000)).toEqual({ both: { nowMs: 70_000, lateMs: 70_000 } });
  });

  it("is one that never began, from so long after the first epoch on", () => {
    const watermarks = new Watermarks(nodes);
    watermarks.resume({}, watermarks.with({ a: 5000 }, 100));
    watermarks.resume({}, watermarks.with({ a: 6000 }, 60_099));
    expect(reached(watermarks, 60_099)).toBe(0);
    expect(reached(watermarks, 60_100)).toBe(6000);
  });

  it("leaves the latest where all are idle, whichever was the last", () => {
    const watermarks = new Watermarks(nodes);
    watermarks.resume({}, { eventTimes: { a: 5000, b: 9000 }, activeMs: { a: 1, b: 2 } });
    expect([60_000, 60_001, 60_002].map((timeMs) => reached(watermarks, timeMs))).toEqual([5000, 9000, 9000]);
  });

  it("is none that does not say so", () => {
    const watermarks = new Watermarks([node("a", [], "0 s", "60 s"), node("b", [], "0 s"), node("both", ["a", "b"])]);
    watermarks.resume({}, watermarks.with({ a: 5000, b: 4000 }, 0));
    expect(watermarks.with({}, 9)).toEqual({ eventTimes: { a: 5000, b: 4000 }, activeMs: { a: 0 } });
    expect(reached(watermarks, 1e12)).toBe(4000);
  });
});
