import { Child, type Ready } from "./child.ts";
import type { Answer, Contender, Scenario, Size } from "./scenario.ts";
import { isMet } from "./judge.ts";
import { type Machine, loadAverage } from "./machine.ts";
import { type Spread, spread } from "./statistics.ts";

/** What a contender needed. */
export interface ContenderResult {
  readonly name: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly seconds: Spread & { readonly all: readonly number[] };
  /** Largest resident memory of the process, its data included. */
  readonly peakMemoryBytes: number;
  /** The same before the first repetition; 0 for a contender that is a new process each time. */
  readonly readyMemoryBytes: number;
}

/** One scenario's outcome. */
export interface ScenarioResult {
  readonly name: string;
  readonly summary: string;
  readonly size: Size;
  /** ISO date and time, UTC. */
  readonly finished: string;
  readonly machine: Machine;
  /** Load average over one minute before the first repetition: what else the machine was doing. */
  readonly loadBefore: number;
  readonly contenders: readonly ContenderResult[];
  readonly checks: readonly { readonly name: string; readonly holds: boolean; readonly found: string }[];
  readonly requirements: readonly {
    readonly name: string;
    readonly bound: "at most" | "at least";
    readonly limit: number;
    readonly unit: "s" | "×" | "bytes";
    readonly measured: number;
    readonly met: boolean;
  }[];
}

const quickRepetitions = 2;

/**
 * Runs a scenario: all contenders are started first, then each does one repetition in turn, over and over, so that what
 * else happens on the machine hits all alike. `say` receives what is going on.
 */
export async function measure(
  scenario: Scenario,
  size: Size,
  machine: Machine,
  say: (what: string) => void,
): Promise<ScenarioResult> {
  say(`${scenario.name}: preparing`);
  const { contenders, checks, requirements, end } = await scenario.prepare(size);
  await using sides = new AsyncDisposableStack();
  sides.defer(async () => end?.());
  const started: { child: Child; ready: Ready; answers: Answer[] }[] = [];
  for (const contender of contenders) {
    const child = sides.use(new Child(contender));
    started.push({ child, ready: await child.ready(), answers: [] });
  }
  const loadBefore = loadAverage();
  const repetitions = size === "quick" ? quickRepetitions : scenario.repetitions;
  for (let round = -scenario.warmUps; round < repetitions; round++) {
    for (const { child, answers } of started) {
      if (round >= repetitionsOf(child.contender, repetitions)) continue;
      say(`${scenario.name}: ${round < 0 ? "warm-up" : `${round + 1} of ${repetitions}`}: ${child.contender.name}`);
      const answer = await child.repeat(Math.max(round, 0));
      if (round >= 0) answers.push(answer);
    }
  }
  const answers = Object.fromEntries(started.map((one) => [one.child.contender.name, one.answers]));
  return {
    name: scenario.name,
    summary: scenario.summary,
    size,
    finished: new Date().toISOString(),
    machine,
    loadBefore,
    contenders: started.map(({ child, ready, answers: own }) => contenderResult(child.contender, ready, own)),
    checks: checks.map(({ name, judge }) => ({ name, ...judge(answers) })),
    requirements: requirements.map(({ name, bound, limit, unit, measured }) => {
      const value = measured(answers);
      return { name, bound, limit, unit, measured: value, met: isMet({ bound, limit }, value) };
    }),
  };
}

function repetitionsOf({ repetitionsMax = Number.POSITIVE_INFINITY }: Contender, repetitions: number): number {
  return Math.min(repetitionsMax, repetitions);
}

function contenderResult({ name }: Contender, ready: Ready, answers: readonly Answer[]): ContenderResult {
  const all = answers.map(({ seconds }) => seconds);
  return {
    name,
    versions: ready.versions,
    seconds: { ...spread(all), all },
    peakMemoryBytes: Math.max(...answers.map(({ peakMemoryBytes }) => peakMemoryBytes)),
    readyMemoryBytes: ready.peakMemoryBytes,
  };
}
