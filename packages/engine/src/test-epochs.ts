import type { TestRows, TestSpec } from "@sferic/spec";
import type { Plan } from "./plan.ts";

/** An epoch as a test sets it up. */
export interface VirtualEpoch {
  /** Its number in the test, from 0; null for the one epoch of a test that lists none. */
  readonly index: number | null;
  /** What the clock shows, milliseconds since 1970. */
  readonly timeMs: number;
  readonly given: TestRows;
}

/**
 * The epochs of a test. The clock shows what the test says; otherwise 1970 first, and later one interval more than in the
 * epoch before, or the same where the trigger has no interval. What the test as a whole gives is for references, in every
 * epoch.
 */
export function epochsOf({ spec }: Pick<Plan, "spec">, { at, given = {}, epochs }: TestSpec): VirtualEpoch[] {
  const { trigger } = spec.run;
  const stepMs = typeof trigger === "object" ? trigger.everyMs : 0;
  let timeMs = at === undefined ? 0 : Date.parse(at);
  if (epochs === undefined) return [{ index: null, timeMs, given }];
  return epochs.map((epoch, index) => {
    if (epoch.at !== undefined) timeMs = Date.parse(epoch.at);
    else if (index > 0) timeMs += stepMs;
    return { index, timeMs, given: { ...given, ...epoch.given } };
  });
}
