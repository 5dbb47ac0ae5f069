import { setTimeout } from "node:timers/promises";

/** Longest time that a timer of Node can wait, about 25 days. */
const timerMsMax = 2 ** 31 - 1;

/** Resolves after `ms` milliseconds, or at once when the signal aborts. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  for (let left = ms; left > 0 && !signal.aborted; left -= timerMsMax) {
    await setTimeout(Math.min(left, timerMsMax), undefined, { signal }).catch(() => {});
  }
}
