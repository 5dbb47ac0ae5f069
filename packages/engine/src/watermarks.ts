import {
  ConfigError,
  type ConfigProblem,
  durationField,
  type EventTime,
  parseDuration,
  type Schema,
  type TransformDefinition,
  type Watermark,
} from "@sferic/operator";
import type { OperatorNode, WatermarkSpec } from "@sferic/spec";
import type { Plan, PlannedOperator } from "./plan.ts";

/** Later than any event time: a run that ends with `flush` says so to close every window. */
export const endOfTimeMs = 8.64e15;

/** Per operator that declares an event time, the operators downstream of it share its watermark with others. */
export function watermarkSources(nodes: readonly OperatorNode[]): ReadonlyMap<string, readonly OperatorNode[]> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const found = new Map<string, ReadonlySet<OperatorNode>>();
  const above = (node: OperatorNode): ReadonlySet<OperatorNode> => {
    const known = found.get(node.id);
    if (known !== undefined) return known;
    const inputs = Object.values(node.inputs).flat();
    const read = inputs.flatMap(({ operator }) => byId.get(operator) ?? []);
    const all = new Set(read.flatMap((one) => [...above(one), ...(one.watermark === undefined ? [] : [one])]));
    found.set(node.id, all);
    return all;
  };
  const all = nodes.map((node) => [node.id, [...above(node)]] as const);
  return new Map(all.filter(([, declaring]) => declaring.length > 0));
}

/**
 * Per operator, how far the event times of what it reads may be behind the watermark of its sources, in milliseconds: what
 * the operators upstream let rows wait, added up along the way that is the longest.
 */
export function waitsOf(nodes: readonly OperatorNode[], waitMs: (id: string) => number): ReadonlyMap<string, number> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const found = new Map<string, number>();
  const above = (node: OperatorNode): number => {
    const known = found.get(node.id);
    if (known !== undefined) return known;
    const read = Object.values(node.inputs).flatMap((from) => from.flatMap(({ operator }) => byId.get(operator) ?? []));
    const longest = Math.max(0, ...read.map((one) => above(one) + waitMs(one.id)));
    found.set(node.id, longest);
    return longest;
  };
  return new Map(nodes.map((node) => [node.id, above(node)]));
}

/** Per operator downstream of a declared event time, that time; the first one where there are several. */
export function eventTimesOf(nodes: readonly OperatorNode[]): ReadonlyMap<string, EventTime> {
  const times = [...watermarkSources(nodes)].flatMap(([id, [first]]) => {
    const time = eventTimeOf(first!.watermark!);
    return time === undefined ? [] : [[id, time] as const];
  });
  return new Map(times);
}

/** A declared event time; undefined when its delay is not a duration, which is an issue of its own. */
export function eventTimeOf({ column, delay }: WatermarkSpec): EventTime | undefined {
  const duration = durationField.safeParse(delay);
  return duration.success ? { column, delayMs: parseDuration(duration.data) } : undefined;
}

/** What is wrong with the event time that an operator declares for its rows. */
export function watermarkProblems(
  { watermark }: OperatorNode,
  definition: PlannedOperator["definition"],
  rows: Schema | null,
): ConfigProblem[] {
  if (watermark === undefined) return [];
  const problems: ConfigProblem[] = [];
  const ports = definition.kind === "transform" ? ((definition as TransformDefinition).ports ?? {}) : {};
  if (watermark.futureSkewMax !== undefined && Object.hasOwn(ports, "invalid")) {
    const message = `"${definition.type}" has rows of its own on the port "invalid"; declare the watermark, with futureSkewMax, on the source or on a transform before`;
    problems.push({ code: "not-supported", message, pointer: "/watermark/futureSkewMax" });
  }
  return rows === null ? problems : [...problems, ...timeProblems(watermark, rows)];
}

function timeProblems({ column }: WatermarkSpec, rows: Schema): ConfigProblem[] {
  const pointer = "/watermark/column";
  try {
    const { type } = rows.requireOne(column, "time", pointer).column(column)!;
    if (type.startsWith("timestamp[")) return [];
    return [{ code: "column-type", message: `"${column}" is ${type}; an event time is a timestamp`, pointer }];
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    return [...thrown.problems];
  }
}

/** What is known of event time at the end of an epoch, per operator that declares one. */
export interface EventTimes {
  /** The largest event time up to then, in milliseconds since 1970. */
  readonly eventTimes?: Readonly<Record<string, number>>;
  /**
   * For those with `idleAfter`: when they last gave a row with an event time, by the clock of the epochs; when they were first
   * looked at if they never did.
   */
  readonly activeMs?: Readonly<Record<string, number>>;
}

/**
 * How far event time has got, from epoch to epoch. The watermark of an operator is the smallest of those declared upstream of
 * it, each the largest event time of all earlier epochs minus its delay; it begins at 1970 and never goes back. One that is
 * idle does not count; when all are, the largest does. Behind operators that let rows wait for others it is so much earlier.
 */
export class Watermarks {
  readonly #sources: ReadonlyMap<string, readonly OperatorNode[]>;
  readonly #waits: ReadonlyMap<string, number>;
  #current: Readonly<Record<string, Watermark>> = {};
  #seen: EventTimes = {};

  /** `waitMs` says how long an operator lets rows wait. */
  constructor(nodes: readonly OperatorNode[], waitMs: (id: string) => number = () => 0) {
    this.#sources = watermarkSources(nodes);
    this.#waits = waitsOf(nodes, waitMs);
  }

  /** After an epoch: what was in force in it, and what was known at its end. */
  resume(inForce: Readonly<Record<string, Watermark>>, seen: EventTimes): void {
    this.#current = inForce;
    this.#seen = seen;
  }

  /** What is known after one more epoch, which gave these largest event times at `timeMs` of its clock. */
  with(seen: Readonly<Record<string, number>>, timeMs: number): EventTimes {
    const { eventTimes: before = {}, activeMs = {} } = this.#seen;
    const latest = Object.entries(seen).map(([id, time]) => [id, Math.max(time, before[id] ?? time)] as const);
    const eventTimes = { ...before, ...Object.fromEntries(latest) };
    const watched = [...this.#declaring()].filter(({ watermark }) => watermark!.idleAfter !== undefined);
    const active = watched.map(({ id }) => [id, id in seen ? timeMs : (activeMs[id] ?? timeMs)] as const);
    return {
      ...(Object.keys(eventTimes).length === 0 ? {} : { eventTimes }),
      ...(active.length === 0 ? {} : { activeMs: Object.fromEntries(active) }),
    };
  }

  /** Per operator, what is in force in the next epoch, if it is planned at `timeMs`. */
  next(timeMs: number): Record<string, Watermark> {
    const all = [...this.#sources].map(([id, declaring]) => {
      const lateMs = this.#current[id]?.nowMs ?? 0;
      const reached = this.#together(declaring, timeMs) - this.waitMs(id);
      return [id, { nowMs: Math.max(lateMs, reached), lateMs }] as const;
    });
    return Object.fromEntries(all);
  }

  /** Per operator, what is in force in an epoch after which nothing comes. */
  last(): Record<string, Watermark> {
    const all = [...this.#sources.keys()].map((id) => {
      return [id, { nowMs: endOfTimeMs, lateMs: this.#current[id]?.nowMs ?? 0 }] as const;
    });
    return Object.fromEntries(all);
  }

  /** Whether an epoch without rows at `timeMs` would find a later watermark at one of these operators. */
  hasMoved(operators: readonly string[], timeMs: number): boolean {
    const next = this.next(timeMs);
    return operators.some((id) => (next[id]?.nowMs ?? 0) > (this.#current[id]?.nowMs ?? 0));
  }

  /** Whether nothing is left that an end of all input could close. */
  get isAtEnd(): boolean {
    return [...this.#sources.keys()].every((id) => (this.#current[id]?.nowMs ?? 0) >= endOfTimeMs);
  }

  /** Per operator that declares an event time, its watermark as text. */
  reached(): Record<string, string> {
    const texts = [...this.#declaring()].map((node) => [node.id, timeText(this.#declared(node))] as const);
    return Object.fromEntries(texts);
  }

  /** How far event times may be behind the watermark where this operator reads, in milliseconds. */
  waitMs(id: string): number {
    return this.#waits.get(id) ?? 0;
  }

  /** Whether an operator that declares an event time has been silent for so long at `timeMs` that it does not count. */
  isIdle({ id, watermark }: OperatorNode, timeMs: number): boolean {
    const since = this.#seen.activeMs?.[id];
    if (since === undefined || watermark!.idleAfter === undefined) return false;
    return timeMs - since >= parseDuration(watermark!.idleAfter);
  }

  #declaring(): Set<OperatorNode> {
    return new Set([...this.#sources.values()].flat());
  }

  #together(declaring: readonly OperatorNode[], timeMs: number): number {
    const active = declaring.filter((node) => !this.isIdle(node, timeMs));
    if (active.length > 0) return Math.min(...active.map((node) => this.#declared(node)));
    return Math.max(...declaring.map((node) => this.#declared(node)));
  }

  #declared({ id, watermark }: OperatorNode): number {
    const latest = this.#seen.eventTimes?.[id];
    return latest === undefined ? 0 : Math.max(0, latest - parseDuration(watermark!.delay));
  }
}

/** The watermarks of a pipeline before its first epoch. */
export function watermarksOf({ operators }: Pick<Plan, "operators">): Watermarks {
  const waits = operators.flatMap(({ node, definition, config }) => {
    const waitMs =
      definition.kind === "transform" ? (definition as TransformDefinition).meetsWithinMs?.(config) : undefined;
    return waitMs === undefined ? [] : [[node.id, waitMs] as const];
  });
  const byId = new Map(waits);
  return new Watermarks(
    operators.map(({ node }) => node),
    (id) => byId.get(id) ?? 0,
  );
}

/** An event time as ISO 8601, seconds without a fraction when they have none; what is beyond the range of dates, as its end. */
export function timeText(ms: number): string {
  return new Date(Math.max(-endOfTimeMs, Math.min(ms, endOfTimeMs))).toISOString().replace(".000Z", "Z");
}
