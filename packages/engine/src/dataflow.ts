import {
  asOperatorError,
  type Batch,
  type Epoch,
  type InvalidInput,
  invalidSchema,
  isBatch,
  type Offset,
  type Output,
  type Registry,
  type Schema,
  type Sink,
  type Source,
  type Staged,
  type Transform,
  type Watermark,
} from "@sferic/operator";
import { Channel } from "./channel.ts";
import { circularInputs, inputKey } from "./circular-inputs.ts";
import { EventTimeObserver } from "./event-time-observer.ts";
import type { PlannedOperator } from "./plan.ts";
import { noCounts, type OperatorCounts } from "./result.ts";

/** An operator of the plan with what was created for it. */
export interface LiveOperator {
  readonly planned: Pick<PlannedOperator, "node"> & Partial<Pick<PlannedOperator, "outputs">>;
  readonly instance: Source | Transform | Sink;
}

/** Range of one source: after `start`, up to and including `end`. */
export interface Range {
  readonly start: Offset | null;
  readonly end: Offset;
}

/** What one epoch did before anything became visible. */
export interface DataflowOutcome {
  readonly staged: Readonly<Record<string, Staged | null>>;
  readonly operators: Readonly<Record<string, OperatorCounts>>;
  /** Input that could not become rows, and rows too far ahead of the clock, that nobody reads, per operator. */
  readonly invalid: Readonly<Record<string, InvalidInput["invalid"][]>>;
  /** Per operator that declares an event time, the largest one that it gave, in milliseconds since 1970. */
  readonly eventTimes: Readonly<Record<string, number>>;
}

/** Called as rows pass, for progress. */
export type OnRows = (operatorId: string, counts: OperatorCounts) => void;

/**
 * Reads the ranges, pushes every batch through the graph and stages every sink. All operators run at once, joined by
 * bounded channels; the first failure aborts the others and is thrown when all have stopped.
 */
export async function runDataflow(
  operators: readonly LiveOperator[],
  ranges: Readonly<Record<string, Range>>,
  epoch: Epoch,
  registry: Registry,
  onRows: OnRows = () => {},
  watermarks: Readonly<Record<string, Watermark>> = {},
): Promise<DataflowOutcome> {
  const abort = new AbortController();
  const signal = AbortSignal.any([epoch.signal, abort.signal]);
  const flow = new Dataflow(operators, ranges, { ...epoch, signal }, registry, onRows, watermarks);
  let failure: unknown;
  const stop = (thrown: unknown): void => {
    failure ??= thrown;
    abort.abort();
    flow.end(thrown);
  };
  const onAbort = (): void => stop(epoch.signal.reason);
  epoch.signal.addEventListener("abort", onAbort, { once: true });
  if (epoch.signal.aborted) onAbort();
  await Promise.all(operators.map((operator) => flow.run(operator).catch(stop)));
  epoch.signal.removeEventListener("abort", onAbort);
  if (failure !== undefined) throw failure;
  return flow;
}

class Dataflow implements DataflowOutcome {
  readonly staged: Record<string, Staged | null> = {};
  readonly operators: Record<string, OperatorCounts> = {};
  readonly invalid: Record<string, InvalidInput["invalid"][]> = {};
  readonly eventTimes: Record<string, number> = {};
  /** What is looked at in the rows of operators that declare an event time. */
  readonly #observers = new Map<string, EventTimeObserver>();
  /** Channels by `operator.port`. */
  readonly #readers = new Map<string, Channel[]>();
  /** Channels by reader and input name. */
  readonly #inputs = new Map<string, Record<string, Channel>>();
  /** Producers of a channel that have not ended yet. */
  readonly #writers = new Map<Channel, number>();
  /** Columns of the port `invalid`, by operator. */
  readonly #invalidSchemas = new Map<string, Schema>();
  /** Operators that gave a batch on their main port. */
  readonly #gave = new Set<string>();
  /** Seconds each operator waited for room downstream. */
  readonly #blockedSeconds = new Map<string, number>();
  readonly #ranges: Readonly<Record<string, Range>>;
  readonly #epoch: Epoch;
  readonly #registry: Registry;
  readonly #onRows: OnRows;
  readonly #watermarks: Readonly<Record<string, Watermark>>;

  constructor(
    operators: readonly LiveOperator[],
    ranges: Readonly<Record<string, Range>>,
    epoch: Epoch,
    registry: Registry,
    onRows: OnRows,
    watermarks: Readonly<Record<string, Watermark>>,
  ) {
    this.#ranges = ranges;
    this.#epoch = epoch;
    this.#registry = registry;
    this.#onRows = onRows;
    this.#watermarks = watermarks;
    const circular = circularInputs(operators.map(({ planned }) => planned.node));
    for (const { planned } of operators) this.#connect(planned, circular);
  }

  #connect({ node, outputs }: LiveOperator["planned"], circular: ReadonlySet<string>): void {
    if (outputs?.["invalid"]) this.#invalidSchemas.set(node.id, outputs["invalid"]);
    this.operators[node.id] = noCounts(node.kind);
    if (node.watermark !== undefined) {
      this.#observers.set(node.id, new EventTimeObserver(node, this.#registry.batches, this.#epoch.timeMs));
    }
    const inputs: Record<string, Channel> = {};
    const several = Object.keys(node.inputs).length > 1;
    for (const [name, references] of Object.entries(node.inputs)) {
      const channel = new Channel(several && circular.has(inputKey(node.id, name)));
      inputs[name] = channel;
      for (const { operator, port } of references) {
        const key = `${operator}.${port}`;
        this.#readers.set(key, [...(this.#readers.get(key) ?? []), channel]);
      }
      this.#writers.set(channel, references.length);
    }
    this.#inputs.set(node.id, inputs);
  }

  /** Ends every channel with an error, so that everyone waiting wakes up. */
  end(error: unknown): void {
    for (const channel of this.#writers.keys()) channel.end(error);
  }

  async run({ planned, instance }: LiveOperator): Promise<void> {
    const { node } = planned;
    const started = performance.now();
    try {
      if (node.kind === "source") await this.#runSource(node.id, instance as Source);
      else if (node.kind === "transform") await this.#runTransform(node.id, instance as Transform);
      else await this.#runSink(node.id, instance as Sink);
      if (node.kind !== "sink") await this.#emitNothing(node.id, planned.outputs?.["main"] ?? null);
    } catch (thrown) {
      throw asOperatorError(thrown, node.id);
    } finally {
      // An operator may end before it took, or even looked at, all of its input.
      for (const channel of Object.values(this.#inputs.get(node.id)!)) channel.abandon();
    }
    const waited = Object.values(this.#inputs.get(node.id)!).reduce((sum, channel) => sum + channel.waited, 0);
    this.operators[node.id]!.seconds += Math.max(
      0,
      (performance.now() - started) / 1000 - waited - this.#blocked(node.id),
    );
    this.#endOutputs(node.id);
  }

  #blocked(id: string): number {
    return this.#blockedSeconds.get(id) ?? 0;
  }

  #endOutputs(id: string): void {
    for (const [key, channels] of this.#readers) {
      if (!key.startsWith(`${id}.`)) continue;
      for (const channel of channels) {
        const left = this.#writers.get(channel)! - 1;
        this.#writers.set(channel, left);
        if (left === 0) channel.end();
      }
    }
  }

  async #runSource(id: string, source: Source): Promise<void> {
    const range = this.#ranges[id];
    if (range === undefined) return;
    for await (const output of source.read(range.start, range.end, this.#epoch)) {
      if ("invalid" in output) await this.#reject(id, output.invalid);
      else if ("bytesRead" in output) this.operators[id]!.bytesRead += output.bytesRead;
      else await this.#emit(id, output);
    }
  }

  /**
   * Without rows an operator still gives a batch, if its columns are known: what follows has no other way to learn them, and
   * closes windows though nothing comes.
   */
  async #emitNothing(id: string, schema: Schema | null): Promise<void> {
    if (!this.#gave.has(id) && schema !== null) await this.#emit(id, this.#registry.batches.concat([], schema));
  }

  async #runTransform(id: string, transform: Transform): Promise<void> {
    const inputs = this.#countedInputs(id);
    const main = inputs["main"] ?? nothing();
    for await (const output of transform.apply(main, this.#epochOf(id), inputs)) await this.#emit(id, output);
  }

  async #runSink(id: string, sink: Sink): Promise<void> {
    const inputs = this.#countedInputs(id);
    this.staged[id] = await sink.stage(inputs["main"] ?? nothing(), this.#epochOf(id), inputs);
  }

  #epochOf(id: string): Epoch {
    const watermark = this.#watermarks[id];
    return watermark === undefined ? this.#epoch : { ...this.#epoch, watermark };
  }

  #countedInputs(id: string): Record<string, AsyncIterable<Batch>> {
    const channels = Object.entries(this.#inputs.get(id)!);
    return Object.fromEntries(channels.map(([name, channel]) => [name, this.#counted(id, channel)]));
  }

  async *#counted(id: string, channel: Channel): AsyncGenerator<Batch> {
    const counts = this.operators[id]!;
    for await (const batch of channel) {
      counts.rowsIn += batch.rowCount;
      this.#onRows(id, counts);
      yield batch;
    }
  }

  async #emit(id: string, output: Output): Promise<void> {
    const { port, batch } = "port" in output ? output : { port: "main", batch: output };
    let handle = isBatch(batch) ? batch : this.#registry.batches.fromArrow(batch);
    if (this.#epoch.signal.aborted) {
      handle.close();
      throw this.#epoch.signal.reason;
    }
    const counts = this.operators[id]!;
    if (port === "main") this.#gave.add(id);
    if (port === "main") handle = await this.#observed(id, handle);
    if (port === "main") counts.rowsOut += handle.rowCount;
    else counts.ports[port] = (counts.ports[port] ?? 0) + handle.rowCount;
    this.#onRows(id, counts);
    await this.#send(id, port, handle);
  }

  /** The rows without those that are too far ahead of the clock, which are invalid. */
  async #observed(id: string, rows: Batch): Promise<Batch> {
    const observer = this.#observers.get(id);
    if (observer === undefined) return rows;
    const { kept, invalid, latestMs } = observer.observe(rows);
    if (latestMs !== null) this.eventTimes[id] = latestMs;
    for (const one of invalid) await this.#reject(id, one);
    return kept;
  }

  async #send(id: string, port: string, handle: Batch): Promise<void> {
    const [first, ...others] = this.#readers.get(`${id}.${port}`) ?? [];
    if (first === undefined) return handle.close();
    const shared = others.map((channel) => [channel, handle.share()] as const);
    const since = performance.now();
    await Promise.all([first.push(handle), ...shared.map(([channel, share]) => channel.push(share))]);
    this.#blockedSeconds.set(id, this.#blocked(id) + (performance.now() - since) / 1000);
  }

  /** Sends undecodable input to whoever reads the `invalid` port, or keeps it for the dead letters. */
  async #reject(id: string, invalid: InvalidInput["invalid"]): Promise<void> {
    const counts = this.operators[id]!;
    counts.invalid += 1;
    this.#onRows(id, counts);
    if (this.#readers.has(`${id}.invalid`)) {
      const schema = this.#invalidSchemas.get(id) ?? invalidSchema;
      const { values = {}, ...fields } = invalid;
      const all: Readonly<Record<string, unknown>> = { ...fields, ...values };
      const row = Object.fromEntries(schema.names.map((name) => [name, all[name]]));
      await this.#send(id, "invalid", this.#registry.batches.fromRows(schema, [row]));
    } else (this.invalid[id] ??= []).push(invalid);
  }
}

async function* nothing(): AsyncGenerator<Batch> {}
