import type { Epoch } from "@sferic/operator";
import { epochOf } from "@sferic/testkit";
import { expect, test } from "vitest";
import { LiveTable } from "./live-table.ts";

const epochAt = (id: number, now: string): Epoch => ({
  ...epochOf(id),
  watermark: { nowMs: Date.parse(now), lateMs: 0 },
});

const windowOf = (start: number, clicks: number): Record<string, string | number> => ({
  window_start: `2026-01-01T10:00:${start}Z`,
  window_end: `2026-01-01T10:00:${start + 10}Z`,
  clicks,
});

function texts(table: LiveTable, epoch: Epoch, linesMax = 40): string[] {
  return table.lines(epoch, linesMax).map(({ text }) => text);
}

test("a row takes the place of the one with the same key, in the order of the keys", () => {
  const table = new LiveTable("live", ["k"], 20);
  table.take(
    [
      { k: 10, n: 1 },
      { k: 9, n: 1 },
      { k: null, n: 1 },
    ],
    3,
  );
  table.take(
    [
      { k: 10, n: 5 },
      { k: 8, n: 2 },
    ],
    2,
  );
  expect(texts(table, epochOf(1))).toEqual([
    "live, epoch 1, 4 rows",
    "   k  n",
    "────  ─",
    "   8  2",
    "   9  1",
    "  10  5",
    "null  1",
  ]);
});

test("several keys count together, and text is in its own order", () => {
  const table = new LiveTable("live", ["a", "b"], 20);
  table.take(
    [
      { a: "y", b: 1 },
      { a: "x", b: 2 },
      { a: "x", b: 1 },
      { a: "y", b: 1 },
    ],
    4,
  );
  expect(texts(table, epochOf(0)).slice(3)).toEqual(["x  1", "x  2", "y  1"]);
});

test("open windows are bright and counted, against the watermark of the epoch", () => {
  const table = new LiveTable("live", ["window_start"], 20);
  table.take([windowOf(10, 1), windowOf(20, 2), windowOf(30, 3)], 3);
  const lines = table.lines(epochAt(4, "2026-01-01T10:00:30Z"), 40);
  expect(lines[0]!.text).toBe("live, epoch 4, 3 rows, 1 open window, watermark 2026-01-01T10:00:30Z");
  expect(lines.slice(3).map(({ isBright }) => isBright)).toEqual([false, false, true]);
});

test("times without a zone are in UTC", () => {
  const table = new LiveTable("live", ["window_start"], 20);
  table.take([{ window_start: "2026-01-01T10:00:00", window_end: "2026-01-01T10:00:30" }], 1);
  expect(texts(table, epochAt(0, "2026-01-01T10:00:29Z"))[0]).toContain("1 open window");
  expect(texts(table, epochAt(0, "2026-01-01T10:00:30Z"))[0]).toContain("0 open windows");
});

test("the newest rows stay, as many as were asked for and as there is room for", () => {
  const table = new LiveTable("live", ["k"], 3);
  table.take(
    [1, 2, 3, 4].map((k) => ({ k })),
    4,
  );
  expect(texts(table, epochOf(0)).slice(3)).toEqual(["2", "3", "4"]);
  expect(texts(table, epochOf(0), 5)).toEqual(["live, epoch 0, the last 2 of 3 rows", "k", "─", "3", "4"]);
});

test("without keys the rows of an epoch take the place of all, and an epoch without rows leaves them", () => {
  const table = new LiveTable("live", [], 20);
  table.take([{ k: 1 }, { k: 1 }], 2);
  table.take([{ k: 2 }], 1);
  table.take([], 0);
  expect(texts(table, epochOf(2))).toEqual(["live, epoch 2, 1 row", "k", "─", "2"]);
});

test("a watermark without rows, and one at the end of all time, are told", () => {
  const table = new LiveTable("live", ["k"], 20);
  expect(texts(table, epochAt(0, "2026-01-01T00:00:00Z"))).toEqual([
    "live, epoch 0, 0 rows, watermark 2026-01-01T00:00:00Z",
  ]);
  expect(texts(table, { ...epochOf(1), watermark: { nowMs: 8.64e15, lateMs: 0 } })[0]).toContain(
    "watermark at the end",
  );
});
