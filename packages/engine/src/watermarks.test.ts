import type { OperatorNode } from "@sferic/spec";
import { describe, expect, it } from "vitest";
import { Watermarks, watermarkSources } from "./watermarks.ts";

function node(id: string, from: string[], delay?: string): OperatorNode {
  const main = from.map((operator) => ({ operator, port: "main" }));
  const watermark = delay === undefined ? {} : { watermark: { column: "ts", delay } };
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
    expect(watermarks.next()).toEqual({ w: { nowMs: 0, lateMs: 0 } });
    watermarks.resume(watermarks.next(), watermarks.with({ s: 30_000 }));
    expect(watermarks.next()).toEqual({ w: { nowMs: 20_000, lateMs: 0 } });
    watermarks.resume(watermarks.next(), watermarks.with({}));
    expect(watermarks.next()).toEqual({ w: { nowMs: 20_000, lateMs: 20_000 } });
  });

  it("never goes back, and never before 1970", () => {
    const watermarks = new Watermarks(chain);
    watermarks.resume(watermarks.next(), watermarks.with({ s: 4000 }));
    expect(watermarks.next()["w"]).toEqual({ nowMs: 0, lateMs: 0 });
    watermarks.resume({ w: { nowMs: 50_000, lateMs: 0 } }, { s: 60_000 });
    expect(watermarks.with({ s: 1000 })).toEqual({ s: 60_000 });
    expect(watermarks.next()["w"]).toEqual({ nowMs: 50_000, lateMs: 50_000 });
  });

  it("waits for the slowest input, and for one that has not begun", () => {
    const watermarks = new Watermarks([...chain, node("o", [], "1 s"), node("both", ["w", "o"])]);
    watermarks.resume({}, { s: 90_000 });
    expect(watermarks.next()).toEqual({ w: { nowMs: 80_000, lateMs: 0 }, both: { nowMs: 0, lateMs: 0 } });
    watermarks.resume({}, { s: 90_000, o: 61_000 });
    expect(watermarks.next()["both"]!.nowMs).toBe(60_000);
    expect(watermarks.reached()).toEqual({ s: "1970-01-01T00:01:20Z", o: "1970-01-01T00:01:00Z" });
  });

  it("has moved when an epoch without rows would find it later", () => {
    const watermarks = new Watermarks(chain);
    watermarks.resume(watermarks.next(), { s: 30_000 });
    expect([watermarks.hasMoved(["w"]), watermarks.hasMoved([])]).toEqual([true, false]);
    watermarks.resume(watermarks.next(), { s: 30_000 });
    expect(watermarks.hasMoved(["w"])).toBe(false);
  });
});
