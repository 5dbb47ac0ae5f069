import { open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** When the rows of an epoch may be sent. Its clock starts with the first question. */
export interface Pace {
  /**
   * Waits until the row with this index may be sent, and says how many from it on may be sent with it. Asked with the
   * number of all rows it waits until the next epoch may begin.
   */
  allow(index: number, signal: AbortSignal): Promise<number>;
}

/** All rows at once. */
export const unpaced: Pace = { allow: () => Promise.resolve(Number.POSITIVE_INFINITY) };

/** Requests per second when so many rows a second are allowed that it takes some. */
const requestsPerSecond = 10;

/** No more than so many rows in a second. */
export function rowsPerSecond(rate: number): Pace {
  let startedMs: number | undefined;
  return {
    allow: async (index, signal) => {
      startedMs ??= performance.now();
      await sleepUntil(startedMs + (index / rate) * 1000, signal);
      return Math.max(1, Math.floor(rate / requestsPerSecond));
    },
  };
}

/** Rows wait at least so long for others, in milliseconds: what comes due meanwhile goes with them. */
const waitMsMin = 20;

/** Times that are read from their file together. */
const timesPerRead = 8192;

/**
 * Each row when as much time has passed since the first as a file of {@link EventTimesWriter} says. A row is sent up to
 * 20 ms late, with those that are due by then.
 */
export function eventTimes(path: string): Pace {
  let startedMs: number | undefined;
  let first = 0;
  let times = new Float64Array();
  return {
    allow: async (index, signal) => {
      startedMs ??= performance.now();
      if (index >= first + times.length) [first, times] = [index, await timesAt(path, index)];
      const due = times[index - first];
      if (due === undefined) return 1;
      const waitMs = startedMs + due - performance.now();
      if (waitMs > 0) await sleep(Math.max(waitMs, waitMsMin), undefined, { signal });
      const passedMs = performance.now() - startedMs;
      let end = index - first + 1;
      while (end < times.length && times[end]! <= passedMs) end += 1;
      return end - (index - first);
    },
  };
}

async function timesAt(path: string, index: number): Promise<Float64Array<ArrayBuffer>> {
  await using file = await open(path);
  const times = new Float64Array(timesPerRead);
  const { bytesRead } = await file.read(new Uint8Array(times.buffer), 0, times.byteLength, index * 8);
  return times.subarray(0, bytesRead / 8);
}

async function sleepUntil(dueMs: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.max(0, dueMs - performance.now()), undefined, { signal });
}
