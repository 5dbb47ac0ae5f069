import assert from "node:assert/strict";
import { describe, expect, it } from "vitest";
import { type Check, ruleOf, verify } from "../check.ts";

/** A subject that is good but for one defect. */
export interface Double<Subject> {
  /** The rule that it breaks. */
  readonly breaks: Check<Subject>;
  /** What is wrong with it. */
  readonly defect: string;
  readonly subject: Subject;
  /** Words by which the failure must name the defect. */
  readonly message: RegExp;
}

/** Registers tests of checks: the good subject keeps every rule, and every rule has doubles, each of which fails it. */
export function describeDoubles<Subject>(
  checks: readonly Check<Subject>[],
  good: Subject,
  doubles: readonly Double<Subject>[],
): void {
  describe("a good subject keeps every rule", () => {
    for (const check of checks) it(ruleOf(check), () => verify(check, good));
  });

  it("every rule has a double", () => {
    const named = (list: readonly Check<Subject>[]): string[] => [...new Set(list.map(({ name }) => name))].toSorted();
    expect(named(doubles.map(({ breaks }) => breaks))).toEqual(named(checks));
  });

  describe("a double breaks the rule", () => {
    for (const { breaks, defect, subject, message } of doubles) {
      it(`${ruleOf(breaks)}: ${defect}`, async () => {
        const failure = await verify(breaks, subject).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        assert.ok(failure instanceof assert.AssertionError, "the check must fail");
        expect(failure.message).toMatch(message);
      });
    }
  });
}

/** A promise that never settles: what an operator does that does not listen to its signal. */
export function forever(): Promise<never> {
  return new Promise(() => {});
}
