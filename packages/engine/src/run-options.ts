import type { RunEvent } from "./events.ts";

/** When epochs begin: one with all there is; bounded ones up to what was there at the start; or every so often. */
export type Trigger = "once" | "available-now" | { readonly everyMs: number };

export interface RunOptions {
  /** Folder of the checkpoint; wins over the spec's. */
  readonly checkpoint?: string;
  /** Wins over the spec's. */
  readonly trigger?: Trigger;
  /** Stop after this many epochs. */
  readonly maxEpochs?: number;
  /** Gives the run up; the epoch in work is lost and computed again by the next run. */
  readonly signal?: AbortSignal;
  /** Ends the run after the epoch in work is committed. */
  readonly drain?: AbortSignal;
  /** The wall clock that epochs are stamped with, milliseconds since 1970; `Date.now` by default. */
  readonly nowMs?: () => number;
  /** Called for every event, in order, before the run goes on. */
  readonly onEvent?: (event: RunEvent) => void | Promise<void>;
}
