import { EventEmitter } from "node:events";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { listenForSignals } from "./interruption.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: 10_000 });
});

afterEach(() => {
  vi.useRealTimers();
});

test("the first signal drains, a second one a while later aborts", () => {
  const emitter = new EventEmitter();
  const onDrain = vi.fn();
  const { drain, signal } = listenForSignals(onDrain, emitter);
  emitter.emit("SIGINT");
  expect([drain.aborted, signal.aborted]).toEqual([true, false]);
  vi.advanceTimersByTime(1000);
  emitter.emit("SIGTERM");
  expect(signal.reason).toMatchObject({ code: "aborted" });
  expect(onDrain).toHaveBeenCalledTimes(1);
});

test("a signal that a wrapper passes on as well counts once", () => {
  const emitter = new EventEmitter();
  const { signal } = listenForSignals(() => {}, emitter);
  emitter.emit("SIGINT");
  vi.advanceTimersByTime(20);
  emitter.emit("SIGINT");
  expect(signal.aborted).toBe(false);
});

test("afterwards the signals are Node's again", () => {
  const emitter = new EventEmitter();
  listenForSignals(() => {}, emitter)[Symbol.dispose]();
  expect(emitter.eventNames()).toEqual([]);
});
