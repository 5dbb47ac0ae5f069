import { inBuild, isOurs, type OtherBuild } from "./against.ts";
import { Child } from "./child.ts";
import { seconds } from "./figures.ts";
import { loadAverage } from "./machine.ts";
import type { Contender, Scenario, Size } from "./scenario.ts";
import { median, medianInterval } from "./statistics.ts";

/** How one contender of this build does against itself in another. */
export interface Comparison {
  readonly scenario: string;
  readonly contender: string;
  /** One-minute load average before the first pair. */
  readonly loadBefore: number;
  /** Median seconds of this build and of the other. */
  readonly seconds: readonly [own: number, other: number];
  /** Median over the pairs of own seconds by the other's. */
  readonly ratio: number;
  /** In which the median ratio lies with a confidence of 95 %. */
  readonly interval: readonly [low: number, high: number];
}

/** How often a comparison is made. */
export interface Amount {
  readonly size: Size;
  readonly pairs: number;
}

const ratioMax = 1.03;

/** Whether a build is not slower: by 3 % at most, or by nothing that can be distinguished from chance. */
export function keepsSpeed({ ratio, interval: [low, high] }: Comparison): boolean {
  return ratio <= ratioMax || (low <= 1 && high >= 1);
}

/**
 * Has this build and another do the same work in pairs, each first in every other pair; only contenders that are Sferic's
 * own and may repeat. `say` receives what is going on.
 */
export async function compare(
  scenario: Scenario,
  other: OtherBuild,
  { size, pairs }: Amount,
  say: (what: string) => void,
): Promise<Comparison[]> {
  say(`${scenario.name}: preparing`);
  const { contenders, end } = await scenario.prepare(size);
  await using ended = new AsyncDisposableStack();
  ended.defer(async () => end?.());
  const comparisons: Comparison[] = [];
  for (const contender of contenders.filter(isOurs)) {
    say(`${scenario.name}: ${pairs} pairs: ${contender.name}`);
    const loadBefore = loadAverage();
    const times = await pairsOf(contender, inBuild(contender, other), scenario.warmUps, pairs);
    comparisons.push({ scenario: scenario.name, contender: contender.name, loadBefore, ...figuresOf(times) });
  }
  return comparisons;
}

async function pairsOf(own: Contender, other: Contender, warmUps: number, pairs: number): Promise<[number, number][]> {
  await using sides = new AsyncDisposableStack();
  const [a, b] = [sides.use(new Child(own)), sides.use(new Child(other))];
  await Promise.all([a.ready(), b.ready()]);
  const times: [number, number][] = [];
  for (let round = -Math.max(warmUps, 1); round < pairs; round++) {
    const repetition = Math.max(round, 0);
    const first = round % 2 === 0 ? a : b;
    const seconds = new Map<Child, number>();
    for (const side of [first, first === a ? b : a]) seconds.set(side, (await side.repeat(repetition)).seconds);
    if (round >= 0) times.push([seconds.get(a)!, seconds.get(b)!]);
  }
  return times;
}

function figuresOf(times: readonly [number, number][]): Pick<Comparison, "seconds" | "ratio" | "interval"> {
  const ratios = times.map(([own, other]) => own / other);
  const medians = [median(times.map(([own]) => own)), median(times.map(([, other]) => other))] as const;
  return { seconds: medians, ratio: median(ratios), interval: medianInterval(ratios) };
}

/** A comparison in a line. */
export function comparisonText(one: Comparison): string {
  const [own, other] = one.seconds.map(seconds);
  const [low, high] = one.interval.map((ratio) => ratio.toFixed(3));
  return (
    `${keepsSpeed(one) ? "ok    " : "SLOWER"}  ${one.scenario}, ${one.contender}: ${own} against ${other}, ` +
    `${one.ratio.toFixed(3)} × (95 %: ${low} to ${high}), load before ${one.loadBefore.toFixed(2)}`
  );
}
