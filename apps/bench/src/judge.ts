import type { Answer, Answers, Check, Requirement } from "./scenario.ts";
import { median, relativeDifference } from "./statistics.ts";

/** Median seconds of a contender. */
export function medianSeconds(answers: Answers, contender: string): number {
  return median(answersOf(answers, contender).map(({ seconds }) => seconds));
}

/** A contender's answers. Throws when there are none. */
export function answersOf(answers: Answers, contender: string): readonly Answer[] {
  const found = answers[contender];
  if (found === undefined || found.length === 0) throw new Error(`"${contender}" gave no answer.`);
  return found;
}

/** A number in a contender's last answer; NaN when it is not there. */
export function lastNumber(answers: Answers, contender: string, value: string): number {
  const found = answersOf(answers, contender).at(-1)![value];
  return typeof found === "number" ? found : Number.NaN;
}

/** Median seconds of a contender stay within a limit. */
export function atMostSeconds(contender: string, limit: number): Requirement {
  return {
    name: contender,
    bound: "at most",
    limit,
    unit: "s",
    measured: (answers) => medianSeconds(answers, contender),
  };
}

/** No repetition of a contender needs more memory. */
export function atMostBytes(contender: string, limit: number): Requirement {
  return {
    name: `${contender}, peak memory`,
    bound: "at most",
    limit,
    unit: "bytes",
    measured: (answers) => Math.max(...answersOf(answers, contender).map(({ peakMemoryBytes }) => peakMemoryBytes)),
  };
}

/** How many times longer the peer takes, median to median. */
export function timesFaster(contender: string, peer: string, factor: number): Requirement {
  return {
    name: `${contender} against ${peer}`,
    bound: "at least",
    limit: factor,
    unit: "×",
    measured: (answers) => medianSeconds(answers, peer) / medianSeconds(answers, contender),
  };
}

/** The same number from all contenders, but for a relative difference of `tolerance`. */
export function sameNumber(value: string, contenders: readonly string[], tolerance = 0): Check {
  return {
    name: `${value} equal`,
    judge: (answers) => {
      const numbers = contenders.map((contender) => lastNumber(answers, contender, value));
      const difference = relativeDifference(numbers);
      const found =
        tolerance === 0 ? `${[...new Set(numbers)].join(", ")}` : `apart by at most ${difference.toExponential(1)}`;
      return { holds: difference <= tolerance, found };
    },
  };
}

/** Whether a requirement is met. A measure that is no number is not. */
export function isMet({ bound, limit }: Pick<Requirement, "bound" | "limit">, measured: number): boolean {
  return bound === "at most" ? measured <= limit : measured >= limit;
}
