/** What a repetition gave: seconds, and values to hold against the other contenders'. */
export interface Answer {
  readonly seconds: number;
  /** Largest resident memory so far of the process that did it. */
  readonly peakMemoryBytes: number;
  readonly [value: string]: unknown;
}

/** One side of a scenario: a program that prepares, then answers one line of JSON per repetition (see peers/serve.py). */
export interface Contender {
  readonly name: string;
  readonly command: readonly string[];
  /** How often at most in a full run; absent: as often as the scenario says. For what takes a minute. */
  readonly repetitionsMax?: number;
  /** The answer as it counts, when the program that gives it is not made for this. */
  readonly interpret?: (answer: Answer) => Answer;
}

/** What a contender did in all counted repetitions, in order. */
export type Answers = Readonly<Record<string, readonly Answer[]>>;

/** Something that must be equal, or equally good, for the times to be comparable. */
export interface Check {
  readonly name: string;
  /** Says what was compared and whether it holds. */
  readonly judge: (answers: Answers) => { readonly holds: boolean; readonly found: string };
}

/** A threshold: `measured` is at most or at least `limit`. */
export interface Requirement {
  readonly name: string;
  readonly bound: "at most" | "at least";
  readonly limit: number;
  readonly unit: "s" | "×" | "bytes";
  readonly measured: (answers: Answers) => number;
}

/** Contenders on the same data, with what must hold. */
export interface Plan {
  readonly contenders: readonly Contender[];
  readonly checks: readonly Check[];
  readonly requirements: readonly Requirement[];
  /** Called when all contenders have ended, however they did: ends what was started for them. */
  readonly end?: () => Promise<void>;
}

/** `full` sizes are those that thresholds speak of; `quick` ones are a small try that judges nothing. */
export type Size = "full" | "quick";

/** One benchmark. */
export interface Scenario {
  readonly name: string;
  /** One sentence: what is done, with how much; what a second is counted for when it is not the whole. */
  readonly summary: string;
  /** Counted repetitions of each contender in a full run; a quick one has two. */
  readonly repetitions: number;
  /** Repetitions of each contender that are not counted, first. */
  readonly warmUps: number;
  /** Makes the data if need be. Not timed. */
  readonly prepare: (size: Size) => Promise<Plan>;
}
