import assert from "node:assert/strict";
import { asOperatorError } from "@sferic/operator";
import { describe, it } from "vitest";

/** One rule of the contract: resolves when the subject keeps it, rejects when it does not. Its name is the rule. */
export type Check<Subject> = (subject: Subject) => Promise<void>;

/**
 * Holds a subject against a rule. Rejects with an AssertionError that says what was seen; a failure of the subject itself
 * becomes one.
 */
export async function verify<Subject>(check: Check<Subject>, subject: Subject): Promise<void> {
  try {
    await check(subject);
  } catch (thrown) {
    if (thrown instanceof assert.AssertionError) throw thrown;
    const { code, message } = asOperatorError(thrown);
    const failure = new assert.AssertionError({ message: `"${ruleOf(check)}" failed with ${code}: ${message}` });
    failure.cause = thrown;
    throw failure;
  }
}

/**
 * Registers one test per check under a heading. To be called while tests are collected. A rule that sets a time may be missed
 * twice: by a machine that had other work.
 */
export function describeChecks<Subject>(title: string, checks: readonly Check<Subject>[], subject: Subject): void {
  describe(title, () => {
    for (const check of checks) {
      const rule = ruleOf(check);
      it(rule, { retry: rule.endsWith("within a second") ? 2 : 0 }, () => verify(check, subject));
    }
  });
}

/** The name of a check as words: `publishingTwiceIsPublishingOnce` is "publishing twice is publishing once". */
export function ruleOf(check: Check<never>): string {
  return check.name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** As `assert.deepEqual`, with the difference after the words. */
export function assertSame(actual: unknown, expected: unknown, words: string): void {
  try {
    assert.deepEqual(actual, expected);
  } catch (thrown) {
    const failure = thrown as assert.AssertionError;
    failure.message = `${words}: ${failure.message}`;
    throw failure;
  }
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
