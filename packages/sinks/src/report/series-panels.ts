import { niceTicks, tickText } from "./curves.ts";
import { extents, type Series, valueTitles } from "./series.ts";
import { clockText } from "./wording.ts";

/** A tick of an axis. */
export interface Tick {
  readonly value: number;
  readonly text: string;
}

/** One value column over time, in its own units, for any renderer. All names share the scales, so that they compare. */
export interface Panel {
  readonly title: string;
  readonly yTicks: readonly Tick[];
  readonly yRange: readonly [low: number, high: number];
  readonly xTicks: readonly Tick[];
  /** Milliseconds since 1970. */
  readonly xRange: readonly [first: number, last: number];
}

/** A panel for each value column. */
export function panelsOf(series: Series): Panel[] {
  const { time, values } = extents(series);
  const xRange = time[0] === time[1] ? ([time[0] - 500, time[1] + 500] as const) : time;
  const xTicks = timeTicks(xRange);
  return valueTitles(series).map((title, index) => {
    const ticks = niceTicks(...values[index]!);
    const yTicks = ticks.map((value) => ({ value, text: tickText(value, ticks[1]! - ticks[0]!) }));
    return { title, yTicks, yRange: [ticks[0]!, ticks.at(-1)!], xTicks, xRange };
  });
}

const [secondMs, minuteMs, hourMs, dayMs] = [1000, 60_000, 3_600_000, 86_400_000];

const tickSteps = [1, 2, 5, 10, 15, 30]
  .flatMap((count) => [count * secondMs, count * minuteMs])
  .concat([1, 2, 3, 6, 12].map((count) => count * hourMs))
  .concat([1, 2, 5, 10, 30, 100, 365, 1000, 3650].map((count) => count * dayMs))
  .toSorted((a, b) => a - b);

/** Two to seven times with a round distance, in UTC: seconds, minutes, hours or days, as far as the range asks for. */
export function timeTicks([first, last]: readonly [number, number]): Tick[] {
  const step = tickSteps.find((candidate) => (last - first) / candidate <= 6) ?? tickSteps.at(-1)!;
  const ticks: Tick[] = [];
  for (let value = Math.ceil(first / step) * step; value <= last; value += step) {
    ticks.push({ value, text: textOf(value, step, last - first) });
  }
  return ticks;
}

function textOf(value: number, step: number, span: number): string {
  if (step >= dayMs || (span > dayMs && value % dayMs === 0)) return new Date(value).toISOString().slice(0, 10);
  return step >= minuteMs ? clockText(value) : new Date(value).toISOString().slice(11, 19);
}
