import type { RunEvent } from "@sferic/engine";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Progress } from "./progress.ts";
import { recordedTerminal } from "./testing/recorded-terminal.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function rows(operatorId: string, rowsOut: number, epoch = 0): RunEvent {
  return { type: "progress", epoch, progress: { operatorId, rowsIn: 0, rowsOut } };
}

test("off a terminal there is a plain line every 10 seconds", () => {
  const { terminal, out, err } = recordedTerminal();
  const progress = new Progress(terminal);
  progress.take(rows("flashes", 50_000));
  vi.advanceTimersByTime(9999);
  expect(err.text).toBe("");
  vi.advanceTimersByTime(10_001);
  progress.stop();
  expect(err.text).toBe("10.0 s: flashes 50,000 rows, 5,000 a second\n20.0 s: flashes 50,000 rows, 2,500 a second\n");
  expect(out.text).toBe("");
});

test("rows of earlier epochs count too", () => {
  const { terminal, err } = recordedTerminal();
  const progress = new Progress(terminal);
  progress.take(rows("flashes", 60));
  progress.take(rows("flashes", 100));
  progress.take(rows("flashes", 40, 1));
  vi.advanceTimersByTime(10_000);
  progress.stop();
  expect(err.text).toContain("flashes 140 rows");
});

test("what an operator remembers stands beside its rows", () => {
  const { terminal, err } = recordedTerminal();
  const progress = new Progress(terminal);
  progress.take(rows("sums", 100));
  progress.take({ type: "states", epoch: 0, states: { sums: { groups: 12_345, bytes: 1_900_000 } } });
  vi.advanceTimersByTime(10_000);
  progress.stop();
  expect(err.text).toBe("10.0 s: sums 100 rows, 10 a second, 12,345 groups kept in 1.9 MB\n");
});

test("on a terminal the lines are drawn over, and cleared in the end", () => {
  const { terminal, err } = recordedTerminal({ isTTY: true, environment: { NO_COLOR: "1" } });
  const progress = new Progress(terminal);
  progress.take(rows("flashes", 10));
  vi.advanceTimersByTime(200);
  expect(err.text).toBe(
    "  flashes  10 rows, 100 a second\n  100 ms\n\u001B[2A\u001B[0J  flashes  10 rows, 50 a second\n  200 ms\n",
  );
  progress.stop();
  expect(err.text.endsWith("\u001B[2A\u001B[0J")).toBe(true);
});

test("of very many operators the first are shown", () => {
  const { terminal, err } = recordedTerminal();
  const progress = new Progress(terminal);
  for (let index = 0; index < 1015; index++) progress.take(rows(`t${index}`, 10));
  vi.advanceTimersByTime(10_000);
  progress.stop();
  expect(err.text).toMatch(/ t14 10 rows, 1 a second, and 1,000 more operators\n$/);
});

test("nothing is drawn while sinks publish", () => {
  const { terminal, err } = recordedTerminal({ isTTY: true });
  const progress = new Progress(terminal);
  progress.take(rows("flashes", 10));
  progress.take({ type: "point", epoch: 0, point: "prepared" });
  vi.advanceTimersByTime(1000);
  expect(err.text).toBe("");
  progress.take({ type: "point", epoch: 0, point: "all-published" });
  vi.advanceTimersByTime(100);
  expect(err.text).toContain("flashes");
  progress.stop();
});

test("what an operator must know is said once, invalid input a few times", () => {
  const { terminal, err } = recordedTerminal();
  const progress = new Progress(terminal);
  const changes = [{ operatorId: "a", effect: "safe", message: 'the sink "a" is new' }] as const;
  progress.take({ type: "spec-changed", checkpoint: "/c", changes });
  progress.take({ type: "recovering", epoch: 3, from: "intent" });
  progress.take({ type: "set-aside", path: "/c/offsets/3.json" });
  for (let index = 0; index < 9; index++) {
    progress.take({ type: "invalid", epoch: 0, operatorId: "a", name: `${index}.nc`, reason: "cut short" });
  }
  progress.stop();
  const lines = err.text.trimEnd().split("\n");
  expect(lines).toHaveLength(9);
  expect(lines[1]).toBe('  safe: the sink "a" is new');
  expect(lines[2]).toContain("epoch 3");
  expect(lines.at(-1)).toBe("Not read: 4.nc: cut short");
});
