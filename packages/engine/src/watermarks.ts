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
import type { Plan } from "./plan.ts";

/** Later than any event time: a run that ends with `flush` says so to close every window. */
const endOfTimeMs = 8.64e15;

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
export function watermarkProblems({ watermark }: OperatorNode, rows: Schema | null): ConfigProblem[] {
  if (watermark === undefined || rows === null) return [];
  const problems = (["futureSkewMax", "idleAfter"] as const)
    .filter((field) => watermark[field] !== undefined)
    .map((field) => {
      const message = `${field} has no effect yet; leave it out`;
      return { code: "not-supported", message, pointer: `/watermark/${field}` };
    });
  try {
    const { type } = rows.requireOne(watermark.column, "time", "/watermark/column").column(watermark.column)!;
    if (type.startsWith("timestamp[")) return problems;
    const message = `"${watermark.column}" is ${type}; an event time is a timestamp`;
    return [...problems, { code: "column-type", message, pointer: "/watermark/column" }];
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    return [...problems, ...thrown.problems];
  }
}

/**
 * How far event time has got, from epoch to epoch. The watermark of an operator is the smallest of those declared upstream of
 * it, each the largest event time of all earlier epochs minus its delay; it begins at 1970 and never goes back. Behind
 * operators that let rows wait for others it is so much earlier.
 */
export class Watermarks {
  readonly #sources: ReadonlyMap<string, readonly OperatorNode[]>;
  readonly #waits: ReadonlyMap<string, number>;
  #current: Readonly<Record<string, Watermark>> = {};
  #eventTimes: Readonly<Record<string, number>> = {};

  /** `waitMs` says how long an operator lets rows wait. */
  constructor(nodes: readonly OperatorNode[], waitMs: (id: string) => number = () => 0) {
    this.#sources = watermarkSources(nodes);
    this.#waits = waitsOf(nodes, waitMs);
  }

  /** After an epoch: what was in force in it, and the largest event times up to its end. */
  resume(inForce: Readonly<Record<string, Watermark>>, eventTimes: Readonly<Record<string, number>>): void {
    this.#current = inForce;
    this.#eventTimes = eventTimes;
  }

  /** The largest event times so far with those of one more epoch, in milliseconds since 1970. */
  with(seen: Readonly<Record<string, number>>): Record<string, number> {
    const latest = Object.entries(seen).map(
      ([id, time]) => [id, Math.max(time, this.#eventTimes[id] ?? time)] as const,
    );
    return { ...this.#eventTimes, ...Object.fromEntries(latest) };
  }

  /** Per operator, what is in force in the next epoch. */
  next(isLast = false): Record<string, Watermark> {
    const all = [...this.#sources].map(([id, declaring]) => {
      const lateMs = this.#current[id]?.nowMs ?? 0;
      const reached = Math.min(...declaring.map((node) => this.#declared(node))) - this.#waits.get(id)!;
      return [id, { nowMs: isLast ? endOfTimeMs : Math.max(lateMs, reached), lateMs }] as const;
    });
    return Object.fromEntries(all);
  }

  /** Whether an epoch without rows would find a later watermark at one of these operators. */
  hasMoved(operators: readonly string[]): boolean {
    const next = this.next();
    return operators.some((id) => (next[id]?.nowMs ?? 0) > (this.#current[id]?.nowMs ?? 0));
  }

  /** Whether nothing is left that an end of all input could close. */
  get isAtEnd(): boolean {
    return Object.values(this.next()).every(({ nowMs }) => nowMs >= endOfTimeMs);
  }

  /** Per operator that declares an event time, its watermark as text. */
  reached(): Record<string, string> {
    const nodes = new Set([...this.#sources.values()].flat());
    const texts = [...nodes].map((node) => [node.id, timeText(this.#declared(node))] as const);
    return Object.fromEntries(texts);
  }

  #declared({ id, watermark }: OperatorNode): number {
    const latest = this.#eventTimes[id];
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

function timeText(ms: number): string {
  return new Date(Math.min(ms, endOfTimeMs)).toISOString().replace(".000Z", "Z");
}
