import { describe, it } from "vitest";

/**
 * One rule of the contract: resolves when the subject keeps it, rejects with an AssertionError that says what was seen
 * when it does not. The function's name is the rule.
 */
export type Check<Subject> = (subject: Subject) => Promise<void>;

/** Registers one test per check under a heading. To be called while tests are collected. */
export function describeChecks<Subject>(title: string, checks: readonly Check<Subject>[], subject: Subject): void {
  describe(title, () => {
    for (const check of checks) it(ruleOf(check), () => check(subject));
  });
}

/** The name of a check as words: `publishingTwiceIsPublishingOnce` is "publishing twice is publishing once". */
export function ruleOf(check: Check<never>): string {
  return check.name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** Longest time between the abort of a run and the end of an operator, in milliseconds. */
export const abortMsMax = 1000;

/** Whether the promise settles, either way, within so many milliseconds. */
export async function settlesWithin(pending: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const settled = pending.then(
    () => true,
    () => true,
  );
  const answer = await Promise.race([settled, late]);
  clearTimeout(timer);
  return answer;
}
