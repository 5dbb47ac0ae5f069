import { OperatorError } from "./errors.ts";
import { durationField } from "./registry.ts";

const unitMs: readonly (readonly [RegExp, number])[] = [
  [/^(ms|milliseconds?)$/, 1],
  [/^(s|seconds?)$/, 1000],
  [/^(min|minutes?)$/, 60_000],
  [/^(h|hours?)$/, 3_600_000],
  [/^(d|days?)$/, 86_400_000],
];

/**
 * Milliseconds of a duration such as `"30 seconds"`, `"1.5 h"` or `"200ms"`; a day has 24 hours. Parts of a millisecond
 * are rounded to the nearest. Throws `invalid-duration` for anything else.
 */
export function parseDuration(text: string): number {
  const amount = Number.parseFloat(text);
  const unit = text.replace(/^[\d.]+ ?/, "");
  const factor = unitMs.find(([names]) => names.test(unit))?.[1];
  if (factor === undefined || !durationField.safeParse(text).success) {
    throw new OperatorError({
      code: "invalid-duration",
      message: `"${text}" is not a duration; write a number and a unit, such as "30 seconds"`,
    });
  }
  return Math.round(amount * factor);
}
