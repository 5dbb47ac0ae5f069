import type { RunEvent } from "./events.ts";
import type { PlanOptions } from "./plan.ts";
import type { RunResult } from "./result.ts";
import { runPipeline } from "./run.ts";
import type { RunOptions } from "./run-options.ts";

/** A run that goes on by itself: its events as they happen, and what comes of it. */
export interface FollowedRun extends AsyncIterable<RunEvent> {
  /** As {@link runPipeline} resolves or rejects. */
  readonly result: Promise<RunResult>;
}

/**
 * Starts a pipeline. `for await (const event of run)` gives every event from the beginning, ends with the run, and throws
 * what it rejects with; the run does not wait for whoever listens. Read it once. An AbortSignal in the options stops it.
 */
export function followPipeline(spec: string | object, options: PlanOptions & Omit<RunOptions, "onEvent">): FollowedRun {
  const waiting: RunEvent[] = [];
  let wake = (): void => {};
  const onEvent = (event: RunEvent): void => {
    waiting.push(event);
    wake();
  };
  let ended = false;
  const result = runPipeline(spec, { ...options, onEvent }).finally(() => {
    ended = true;
    wake();
  });
  // Whoever only listens learns of a failure from the iteration.
  result.catch(() => {});
  return {
    result,
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const event = waiting.shift();
        if (event !== undefined) yield event;
        else if (ended) break;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
      await result;
    },
  };
}
