import { setTimeout } from "node:timers/promises";

/** Resolves after `ms` milliseconds, or at once when the signal aborts. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => {});
}
