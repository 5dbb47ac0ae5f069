import {
  asOperatorError,
  type Bounds,
  type Epoch,
  type Offset,
  OperatorError,
  type OutputPast,
  type Sink,
  type Source,
  type Staged,
  type Transform,
} from "@sferic/operator";
import type { Recovery } from "./checkpoint/checkpoint.ts";
import type { Committed, Intent, Prepared } from "./checkpoint/records.ts";
import { type StateReports, stateReports, States } from "./checkpoint/states.ts";
import { type DataflowOutcome, type LiveOperator, runDataflow } from "./dataflow.ts";
import { type DeadLetter, removeDeadLetters, writeDeadLetters } from "./dead-letters.ts";
import type { ProtocolPoint, RunEvent } from "./events.ts";
import { type LackingSource, lackingSources, missingInputError } from "./missing-inputs.ts";
import { type Plan, secretsOf } from "./plan.ts";
import { offerOf, type ReplayedInput } from "./replay.ts";
import type { OperatorCounts, PhaseSeconds } from "./result.ts";
import type { RunHome } from "./run-home.ts";
import type { RunOptions, Trigger } from "./run-options.ts";
import type { RunSummary } from "./summary.ts";
import { sleep } from "./sleep.ts";
import { type Watermarks, watermarksOf } from "./watermarks.ts";

interface RunnerOptions extends RunOptions {
  readonly emit: (event: RunEvent) => Promise<void>;
}

/** How often a run that waits for its input looks for it. */
const inputEveryMs = 1000;

/** How often a triggered run looks whether it should stop while nothing is new, and how often progress is told. */
const progressEveryMs = 100;

/**
 * Runs epochs through the protocol: intent, read and transform, stage, prepared, publish, committed, acknowledge,
 * clean up. `recover` first finishes what an earlier run left.
 */
export class EpochRunner {
  readonly #plan: Plan;
  readonly #home: RunHome;
  readonly #operators: readonly LiveOperator[];
  readonly #summary: RunSummary;
  readonly #options: RunnerOptions;
  readonly #emit: RunnerOptions["emit"];
  /** End offset per source of the newest epoch. */
  readonly #position = new Map<string, Offset>();
  readonly #watermarks: Watermarks;
  readonly #states: States | null;
  /** Sources whose input was not there, which is reported once. */
  readonly #awaited = new Set<string>();
  #nextEpoch = 0;
  #lastTimeMs = 0;

  constructor(
    plan: Plan,
    home: RunHome,
    operators: readonly LiveOperator[],
    summary: RunSummary,
    options: RunnerOptions,
  ) {
    this.#plan = plan;
    this.#home = home;
    this.#operators = operators;
    this.#summary = summary;
    this.#options = options;
    this.#emit = options.emit;
    this.#watermarks = watermarksOf(plan);
    this.#states = home.checkpoint === null ? null : new States(home.checkpoint.directory);
  }

  /** Opens the operators, then finishes the epoch that an earlier run left unfinished. */
  async recover(): Promise<void> {
    const recovery = await this.#home.checkpoint?.recover();
    if (recovery?.prepared) this.#checkSinksOf(recovery.prepared);
    await this.#openOperators(recovery);
    if (recovery === undefined) return;
    const { intent, prepared } = recovery.last ?? {};
    this.#watermarks.resume(intent?.watermarks ?? {}, prepared ?? {});
    await this.#states?.restore(this.#transforms(), prepared?.states ?? {});
    for (const path of recovery.setAside) await this.#emit({ type: "set-aside", path });
    this.#nextEpoch = recovery.nextEpoch;
    this.#lastTimeMs = recovery.lastTimeMs;
    for (const [id, offsets] of Object.entries(recovery.history)) this.#position.set(id, offsets.at(-1)!);
    if (recovery.committed !== null) await this.#finish(recovery.committed);
    await this.#resume(recovery);
  }

  /** A prepared epoch is published by the sinks that staged it: any other end of it would lose rows or double them. */
  #checkSinksOf({ epoch, sinks }: Prepared): void {
    for (const [id, staged] of Object.entries(sinks)) {
      const type = this.#sinkType(id);
      if (staged === null || staged.type === type) continue;
      const found = type === undefined ? "which the spec no longer has" : `which is now of the type "${type}"`;
      const message = `Epoch ${epoch} is staged for the sink "${id}" of the type "${staged.type}", ${found}. Put that sink back and run once to publish the epoch, then change the spec; or start anew with an empty checkpoint and empty outputs.`;
      throw new OperatorError({ code: "checkpoint-mismatch", message, operatorId: id });
    }
  }

  #sinkType(id: string): string | undefined {
    const nodes = this.#operators.map(({ planned }) => planned.node);
    return nodes.find((node) => node.kind === "sink" && node.id === id)?.type;
  }

  /** Runs new epochs until the trigger is satisfied, the run is drained, or `maxEpochs` is reached. */
  async run(trigger: Trigger): Promise<void> {
    if (!(await this.#awaitInputs(trigger))) return;
    const until = trigger === "available-now" ? await this.#newestOffsets() : null;
    const bounded = trigger !== "once";
    let due = performance.now();
    while (!this.#shouldStop()) {
      const ran =
        (await this.#hasReferences(trigger)) &&
        ((await this.#runNext(bounded, until)) || (bounded && (await this.#runWithoutRows())));
      if (trigger === "available-now" && !ran) return this.#runLast();
      if (trigger === "once") {
        if (!this.#shouldStop()) await this.#runWithoutRows();
        return this.#runLast();
      }
      if (typeof trigger !== "object") continue;
      if (!ran) await this.#emit({ type: "idle" });
      due = Math.max(due + trigger.everyMs, performance.now());
      await this.#waitUntil(due);
    }
  }

  /**
   * Waits for inputs that are not there, unless the trigger looks again anyway. Throws `missing-input` for one that the run
   * does not wait for; false when the run should stop.
   */
  async #awaitInputs(trigger: Trigger): Promise<boolean> {
    for (;;) {
      const lacking = await lackingSources(this.#plan, trigger);
      await this.#reportLacking(lacking);
      if (lacking.length === 0 || typeof trigger === "object") return true;
      if (this.#shouldStop()) return false;
      await this.#waitUntil(performance.now() + inputEveryMs);
    }
  }

  /** Whether every source that is read whole in each epoch is there: without one of them rows would be wrong. */
  async #hasReferences(trigger: Trigger): Promise<boolean> {
    if ([...this.#references()].length === 0) return true;
    const lacking = (await lackingSources(this.#plan, trigger)).filter(({ isReference }) => isReference);
    await this.#reportLacking(lacking);
    return lacking.length === 0;
  }

  async #reportLacking(lacking: readonly LackingSource[]): Promise<void> {
    for (const one of lacking) {
      if (!one.waits) throw missingInputError(one);
      const { operatorId, message } = one;
      if (this.#awaited.has(operatorId)) continue;
      this.#awaited.add(operatorId);
      this.#summary.warn(operatorId, "missing-input", message);
      await this.#emit({ type: "warning", operatorId, code: "missing-input", message });
    }
  }

  /** Runs one epoch over the input of dead letters, if any of it can be read again. */
  async replay(letters: readonly DeadLetter[]): Promise<ReplayedInput> {
    const offer = await offerOf(letters, [...this.#sources()], this.#position, this.#home.checkpoint!);
    if (offer.replays.length === 0) return { epoch: null, left: offer.left };
    const intent: Intent = { ...(await this.#nextIntent(offer.sources)), replays: offer.replays };
    await this.#at(intent.epoch, "planned");
    await this.#begin(intent);
    return { epoch: intent.epoch, left: offer.left };
  }

  /** After a failure: removes what is staged for the epoch in work, unless a checkpoint lets another run go on with it. */
  async giveUp(): Promise<void> {
    if (this.#home.checkpoint !== null) return;
    await Promise.allSettled([...this.#sinks()].map(async ([, sink]) => sink.discard?.(this.#nextEpoch)));
  }

  #shouldStop(): boolean {
    this.#options.signal?.throwIfAborted();
    const enough = this.#summary.epochs >= (this.#options.maxEpochs ?? Number.POSITIVE_INFINITY);
    return enough || this.#options.drain?.aborted === true;
  }

  async #waitUntil(due: number): Promise<void> {
    const signals = [this.#options.signal, this.#options.drain].filter((signal) => signal !== undefined);
    await sleep(Math.max(0, due - performance.now()), AbortSignal.any(signals));
  }

  async #openOperators(recovery: Recovery | undefined): Promise<void> {
    const history = recovery?.history ?? {};
    for (const { planned, instance } of this.#operators) {
      const { id, kind, role } = planned.node;
      if (kind === "source" && role !== "reference")
        await calling(id, async () => (instance as Source).open?.(history[id] ?? []));
      if (kind === "sink") await calling(id, async () => (instance as Sink).open?.(this.#pastOf(id, recovery)));
    }
  }

  #pastOf(sink: string, recovery: Recovery | undefined): OutputPast {
    const { checkpoint } = this.#home;
    const published = checkpoint?.published(sink) ?? null;
    return {
      checkpoint: checkpoint?.directory ?? null,
      newestEpoch: (recovery?.intent ?? recovery?.committed)?.epoch ?? null,
      publishedEpoch: published?.epoch ?? null,
      publishedRecord: published?.record ?? null,
      isReset: checkpoint?.identity.isReset ?? false,
      isFenced: checkpoint?.identity.isFenced ?? false,
    };
  }

  async #resume({ intent, prepared }: Recovery): Promise<void> {
    if (intent === null) return;
    await this.#emit({ type: "recovering", epoch: intent.epoch, from: prepared === null ? "intent" : "prepared" });
    if (prepared !== null) return this.#publish(intent, prepared, noSeconds());
    await this.#discard(intent.epoch);
    await this.#compute(intent);
  }

  async #newestOffsets(): Promise<Record<string, Offset>> {
    const newest: Record<string, Offset> = {};
    for (const [id, source] of this.#sources()) {
      const offset = await calling(id, () => source.latestOffset(this.#position.get(id) ?? null, {}));
      if (offset !== null) newest[id] = offset;
    }
    return newest;
  }

  /** Runs one epoch if any source has something new. */
  async #runNext(bounded: boolean, until: Record<string, Offset> | null): Promise<boolean> {
    const intent = await this.#intend(bounded, until);
    if (intent === null) return false;
    await this.#begin(intent);
    return true;
  }

  /** Runs an epoch that reads nothing, if the watermark has moved for somebody who follows it. */
  async #runWithoutRows(): Promise<boolean> {
    const transforms = this.#transforms();
    const followers = [...transforms.keys()].filter((id) => transforms.get(id)!.followsWatermark === true);
    if (!this.#watermarks.hasMoved(followers, this.#now())) return false;
    await this.#begin(await this.#nextIntent({}));
    return true;
  }

  /** Closes what is open, where the spec says that nothing will follow. */
  async #runLast(): Promise<void> {
    const isFlushed = this.#plan.spec.run.onEnd === "flush" && !this.#watermarks.isAtEnd;
    if (!isFlushed || this.#shouldStop()) return;
    await this.#begin({ ...(await this.#nextIntent({})), watermarks: this.#watermarks.last() });
  }

  #transforms(): Map<string, Transform> {
    const all = this.#operators.filter(({ planned }) => planned.node.kind === "transform");
    return new Map(all.map(({ planned, instance }) => [planned.node.id, instance as Transform]));
  }

  async #begin(intent: Intent): Promise<void> {
    await this.#home.checkpoint?.write("intent", intent);
    await this.#at(intent.epoch, "intent");
    await this.#compute(intent);
  }

  /** `until` holds the last offset to read per source; a source that is not in it is not read. Null sets no end. */
  async #intend(bounded: boolean, until: Record<string, Offset> | null): Promise<Intent | null> {
    const sources: Record<string, { start: Offset | null; end: Offset }> = {};
    for (const [id, source, bounds] of this.#sources()) {
      if (until !== null && !Object.hasOwn(until, id)) continue;
      const start = this.#position.get(id) ?? null;
      const end = await calling(id, () => source.latestOffset(start, bounded ? bounds : {}, until?.[id])).catch(
        (thrown: unknown) => this.#nothingIfAwaited(id, thrown),
      );
      if (end !== null) sources[id] = { start, end };
    }
    if (Object.keys(sources).length === 0) return null;
    const intent = await this.#nextIntent(sources);
    await this.#at(intent.epoch, "planned");
    return intent;
  }

  /** An input that the run waits for has nothing new until it is there. */
  #nothingIfAwaited(id: string, thrown: unknown): null {
    if (this.#awaited.has(id) && asOperatorError(thrown).code === "missing-input") return null;
    throw thrown;
  }

  async #nextIntent(sources: Intent["sources"]): Promise<Intent> {
    const epoch = this.#nextEpoch;
    const timeMs = this.#now();
    const references: Record<string, Offset> = {};
    for (const [id, source] of this.#references()) {
      const end = await calling(id, () => source.latestOffset(null, {}));
      if (end !== null) references[id] = end;
    }
    const looked = Object.keys(references).length === 0 ? {} : { references };
    const watermarks = this.#watermarks.next(timeMs);
    const followed = Object.keys(watermarks).length === 0 ? {} : { watermarks };
    return { epoch, timeMs, seed: seedOf(this.#plan.spec.run.seed, epoch), sources, ...looked, ...followed };
  }

  /** The wall clock, which never goes back. */
  #now(): number {
    return Math.max((this.#options.nowMs ?? Date.now)(), this.#lastTimeMs);
  }

  async #compute(intent: Intent): Promise<void> {
    const started = performance.now();
    const epoch = this.#epochOf(intent);
    const outcome = await runDataflow(
      this.#operators,
      rangesOf(intent),
      epoch,
      this.#plan.registry,
      this.#progress(epoch),
      intent.watermarks,
    );
    await this.#at(intent.epoch, "staged");
    await this.#keepDeadLetters(intent.epoch, outcome);
    // What failed before may fail again, all of it.
    if (intent.replays === undefined) this.#checkInvalidRatio(outcome);
    const sinks = Object.entries(outcome.staged).map(
      ([id, staged]) => [id, staged && { ...staged, type: this.#sinkType(id)! }] as const,
    );
    const states = (await this.#states?.write(this.#transforms(), intent.epoch)) ?? {};
    const stateSizes = stateReports(this.#transforms(), states, intent.epoch);
    await this.#tellStates(intent.epoch, stateSizes);
    const prepared = {
      epoch: intent.epoch,
      sinks: Object.fromEntries(sinks),
      operators: outcome.operators,
      ...this.#watermarks.with(outcome.eventTimes, intent.timeMs),
      ...(Object.keys(states).length === 0 ? {} : { states }),
      ...(Object.keys(stateSizes).length === 0 ? {} : { stateSizes }),
    };
    await this.#home.checkpoint?.write("prepared", prepared);
    await this.#at(intent.epoch, "prepared");
    await this.#publish(intent, prepared, dataflowSeconds(outcome.operators, secondsSince(started)));
  }

  async #publish(intent: Intent, prepared: Prepared, spent: PhaseSeconds): Promise<void> {
    const sinks: Record<string, { rows: number; files: readonly string[] }> = {};
    const publishing = performance.now();
    await this.#home.checkpoint?.requireHeld();
    for (const [id, sink] of this.#sinks()) {
      const staged: Staged | null = prepared.sinks[id] ?? null;
      if (staged === null) continue;
      const { files } = await calling(id, () => sink.publish(staged, this.#epochOf(intent, id)));
      sinks[id] = { rows: staged.rows, files };
      await this.#at(intent.epoch, "published", id);
    }
    await this.#at(intent.epoch, "all-published");
    const committing = performance.now();
    const seconds = { ...spent, publish: (committing - publishing) / 1000 };
    const { operators, stateSizes } = prepared;
    const kept = stateSizes === undefined ? {} : { stateSizes };
    const committed: Committed = { epoch: intent.epoch, sinks, operators, seconds, ...kept };
    await this.#home.checkpoint?.write("committed", committed);
    await this.#at(intent.epoch, "committed");
    await this.#finish(intent);
    await this.#states?.clean();
    this.#advance(intent);
    this.#watermarks.resume(intent.watermarks ?? {}, prepared);
    this.#summary.watermarks = this.#watermarks.reached();
    this.#summary.states = stateSizes ?? {};
    this.#summary.add(operators, sinks, { ...seconds, commit: secondsSince(committing) });
  }

  #advance(intent: Intent): void {
    this.#nextEpoch = intent.epoch + 1;
    this.#lastTimeMs = intent.timeMs;
    for (const [id, { end }] of Object.entries(intent.sources)) this.#position.set(id, end);
  }

  /** What follows a commit and may be repeated: tell the sources, remove what was staged. */
  async #finish(intent: Intent): Promise<void> {
    for (const [id, source] of this.#sources()) {
      const range = intent.sources[id];
      if (range !== undefined) await calling(id, async () => source.acknowledge?.(range.end));
    }
    await this.#at(intent.epoch, "acknowledged");
    if (intent.replays !== undefined) await removeDeadLetters(this.#home, intent.replays);
    await this.#discard(intent.epoch);
    await this.#at(intent.epoch, "cleaned");
  }

  async #discard(epoch: number): Promise<void> {
    for (const [id, sink] of this.#sinks()) await calling(id, async () => sink.discard?.(epoch));
  }

  async #keepDeadLetters(epoch: number, { invalid }: DataflowOutcome): Promise<void> {
    const letters: DeadLetter[] = Object.entries(invalid).flatMap(([source, rows]) =>
      rows.map((row) => ({ epoch, source, ...row, reason: secretsOf(this.#plan).scrub(row.reason) })),
    );
    if (letters.length === 0) return;
    const path = await writeDeadLetters(this.#home, epoch, letters);
    this.#summary.deadLetters.push(path);
    for (const { source, name, reason } of letters) {
      await this.#emit({ type: "invalid", epoch, operatorId: source, name, reason });
    }
  }

  #checkInvalidRatio({ operators }: DataflowOutcome): void {
    const max = this.#plan.spec.run.invalidRatioMax;
    if (max === undefined) return;
    for (const [id, counts] of Object.entries(operators)) {
      const ratio = counts.invalid / Math.max(1, counts.invalid + counts.rowsOut);
      if (counts.kind !== "source" || ratio <= max) continue;
      const message = `${counts.invalid} pieces of input could not be decoded, a share of ${ratio.toFixed(3)}; invalidRatioMax allows ${max}.`;
      throw new OperatorError({ code: "invalid-ratio-exceeded", message, operatorId: id });
    }
  }

  #epochOf(intent: Intent, operatorId?: string): Epoch {
    const signal = this.#options.signal ?? new AbortController().signal;
    const watermark = operatorId === undefined ? undefined : intent.watermarks?.[operatorId];
    const { epoch: id, timeMs, seed } = intent;
    return { id, timeMs, seed, ...(watermark === undefined ? {} : { watermark }), signal };
  }

  async #tellStates(epoch: number, states: StateReports): Promise<void> {
    if (Object.keys(states).length > 0) await this.#emit({ type: "states", epoch, states });
  }

  async #at(epoch: number, point: ProtocolPoint, operatorId?: string): Promise<void> {
    await this.#emit({ type: "point", epoch, point, ...(operatorId === undefined ? {} : { operatorId }) });
  }

  #progress(epoch: Epoch): (operatorId: string, counts: OperatorCounts) => void {
    const last = new Map<string, number>();
    return (operatorId, { rowsIn, rowsOut }) => {
      const now = performance.now();
      if (now - (last.get(operatorId) ?? 0) < progressEveryMs) return;
      last.set(operatorId, now);
      // Rows do not wait for whoever listens; what the listener throws ends the run at the next event that is awaited.
      void this.#emit({ type: "progress", epoch: epoch.id, progress: { operatorId, rowsIn, rowsOut } }).catch(() => {});
    };
  }

  /** The sources whose rows are taken once. */
  *#sources(): Generator<[string, Source, Bounds]> {
    for (const { planned, instance } of this.#operators) {
      const { id, kind, role, bounds } = planned.node;
      if (kind === "source" && role !== "reference") yield [id, instance as Source, bounds];
    }
  }

  *#references(): Generator<[string, Source]> {
    for (const { planned, instance } of this.#operators) {
      if (planned.node.role === "reference") yield [planned.node.id, instance as Source];
    }
  }

  *#sinks(): Generator<[string, Sink]> {
    for (const { planned, instance } of this.#operators) {
      if (planned.node.kind === "sink") yield [planned.node.id, instance as Sink];
    }
  }
}

/** What an epoch reads of every source. */
function rangesOf({ sources, references = {} }: Intent): Intent["sources"] {
  const whole = Object.entries(references).map(([id, end]) => [id, { start: null, end }] as const);
  return { ...sources, ...Object.fromEntries(whole) };
}

/** Calls an operator; what it throws names it. */
async function calling<T>(operatorId: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (thrown) {
    throw asOperatorError(thrown, operatorId);
  }
}

function noSeconds(): PhaseSeconds {
  return { plan: 0, read: 0, transform: 0, stage: 0, publish: 0, commit: 0 };
}

/** Splits the time until the last row was staged by what the operators of each kind took of it. */
function dataflowSeconds(operators: Readonly<Record<string, OperatorCounts>>, total: number): PhaseSeconds {
  const spent = { source: 0, transform: 0, sink: 0 };
  for (const { kind, seconds } of Object.values(operators)) spent[kind] += seconds;
  const scale = total / Math.max(spent.source + spent.transform + spent.sink, 1e-9);
  const share = Math.min(1, scale);
  return { ...noSeconds(), read: spent.source * share, transform: spent.transform * share, stage: spent.sink * share };
}

function secondsSince(started: number): number {
  return (performance.now() - started) / 1000;
}

/** A seed of its own for every epoch, the same in every attempt (a 32-bit mix after Steele et al., SplitMix, 2014). */
function seedOf(seed: number, epoch: number): number {
  let mixed = (seed ^ Math.imul(epoch + 1, 0x9e3779b9)) >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
