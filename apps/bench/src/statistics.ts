/** Least, middle and greatest of some numbers. */
export interface Spread {
  readonly count: number;
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** Middle value; the mean of the two in the middle for an even count. Throws without any. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error("No numbers, no median.");
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** The spread of at least one number. */
export function spread(values: readonly number[]): Spread {
  return { count: values.length, min: Math.min(...values), median: median(values), max: Math.max(...values) };
}

/** Largest relative difference to the first number; NaN when one is none. */
export function relativeDifference(values: readonly number[]): number {
  const [first = Number.NaN, ...others] = values;
  const scale = Math.max(Math.abs(first), Number.MIN_VALUE);
  return Math.max(0, ...others.map((value) => Math.abs(value - first) / scale));
}

/** Mean of at least one number. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Standard error of the difference of two means; infinite when one side has a single number. */
export function standardErrorOfDifference(a: readonly number[], b: readonly number[]): number {
  const squares = [a, b].map((values) => {
    const middle = mean(values);
    const variance = values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1);
    return values.length === 1 ? Number.POSITIVE_INFINITY : variance / values.length;
  });
  return Math.sqrt(squares[0]! + squares[1]!);
}

/**
 * The narrowest pair of ordered values, equally far from both ends, between which the median of what the values are drawn from
 * lies with a confidence of at least 95 %, whatever the distribution; the least and the greatest when there are fewer than six.
 */
export function medianInterval(values: readonly number[]): readonly [low: number, high: number] {
  const sorted = values.toSorted((a, b) => a - b);
  const count = sorted.length;
  let outside = 0;
  let below = 2 ** -count;
  let at = 0;
  while (at < (count - 1) / 2 && outside + 2 * below <= 0.05) {
    outside += 2 * below;
    at += 1;
    below *= (count - at + 1) / at;
  }
  const rank = Math.max(0, at - 1);
  return [sorted[rank]!, sorted.at(-1 - rank)!];
}
