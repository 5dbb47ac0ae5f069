import { EventEmitter } from "node:events";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Interruption, listenForSignals } from "./interruption.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: 10_000 });
});

afterEach(() => {
  vi.useRealTimers();
});

/** Signals without a process; `killed` holds those that would have ended it. */
class Target extends EventEmitter {
  readonly pid = 1;
  readonly killed: unknown[] = [];

  kill(_: number, signal: unknown): true {
    this.killed.push(signal);
    return true;
  }

  send(signal: "SIGINT" | "SIGTERM"): void {
    this.emit(signal, signal);
  }
}

function listen(onDrain = (): void => {}): { target: Target; interruption: Interruption } {
  const target = new Target();
  return { target, interruption: listenForSignals(onDrain, target as never) };
}

test("the first signal drains, a second one a while later aborts, a third one ends the process", () => {
  const onDrain = vi.fn<() => void>();
  const { target, interruption } = listen(onDrain);
  target.send("SIGINT");
  expect([interruption.drain.aborted, interruption.signal.aborted]).toEqual([true, false]);
  vi.advanceTimersByTime(1000);
  target.send("SIGTERM");
  expect(interruption.signal.reason).toMatchObject({ code: "aborted" });
  expect(onDrain).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(1000);
  expect(target.killed).toEqual([]);
  target.send("SIGINT");
  expect([target.killed, target.eventNames()]).toEqual([["SIGINT"], []]);
});

test("a signal that a wrapper passes on as well counts once", () => {
  const { target, interruption } = listen();
  target.send("SIGINT");
  vi.advanceTimersByTime(20);
  target.send("SIGINT");
  expect(interruption.signal.aborted).toBe(false);
  vi.advanceTimersByTime(1000);
  target.send("SIGINT");
  vi.advanceTimersByTime(20);
  target.send("SIGINT");
  expect([interruption.signal.aborted, target.killed]).toEqual([true, []]);
});

test("afterwards the signals are Node's again", () => {
  const { target, interruption } = listen();
  interruption[Symbol.dispose]();
  expect(target.eventNames()).toEqual([]);
});
