import { setTimeout as sleep } from "node:timers/promises";
import { type EncodedBatch, stampBatch } from "@sferic/bindings/kafka";
import { protocolError } from "@sferic/connections/kafka/brokers";
import type { PartitionRecords, ProduceAnswer } from "@sferic/connections/kafka/requests";
import { mayPass, orAborted, type Topic } from "@sferic/connections/kafka/topic";

/** Rounds under way at a time: brokers recognize the last five batches of a producer in each partition. */
const roundsMax = 5;

/** How long a broker may wait for the replicas, in milliseconds. */
const replicasMsMax = 30_000;

const waitMs = { first: 50, max: 1000 } as const;

const unknownError = -1;
const duplicateSequence = 46;
const outOfOrderSequence = 45;

/** Batches of different partitions that are sent together, and how that went. */
interface Round {
  /** Those that no broker has confirmed yet. */
  left: readonly PartitionRecords[];
  failure?: unknown;
  sent: Promise<void>;
}

/**
 * Sends record batches as one idempotent producer: several rounds at a time and, when one fails, what is left of it and of
 * those after it again in their order and with the same numbers, so that each batch is in the topic once. After an error
 * that it throws it is of no more use.
 */
export class BatchSender {
  readonly #topic: Topic;
  readonly #retryForMs: number;
  #producer: { readonly producerId: bigint; readonly producerEpoch: number } | undefined;
  /** Number of the next message, by partition. */
  readonly #sequences = new Map<number, number>();
  /** Under way, oldest first. */
  #rounds: Round[] = [];

  constructor(topic: Topic, retryForMs: number) {
    this.#topic = topic;
    this.#retryForMs = retryForMs;
  }

  /** Sends the batches behind all that were given before; waits only for what leaves no room for more. */
  async send(batches: readonly EncodedBatch[], signal: AbortSignal): Promise<void> {
    this.#producer ??= await this.#topic.producerId(signal);
    for (const together of byRound(batches)) {
      if (this.#rounds.length >= roundsMax) await this.#confirmFirst(signal);
      const left = together.map((batch) => ({ partition: batch.partition, records: this.#stamped(batch) }));
      const round: Round = { left, sent: Promise.resolve() };
      this.#rounds.push(round);
      round.sent = this.#attempt(round);
    }
  }

  /** Returns when all that was given is confirmed. */
  async flush(signal: AbortSignal): Promise<void> {
    while (this.#rounds.length > 0) await this.#confirmFirst(signal);
  }

  #stamped({ partition, bytes, count }: EncodedBatch): Uint8Array {
    const baseSequence = this.#sequences.get(partition) ?? 0;
    this.#sequences.set(partition, (baseSequence + count) % 2 ** 31);
    stampBatch(bytes, { ...this.#producer!, baseSequence, timestampMs: Date.now() });
    return bytes;
  }

  async #confirmFirst(signal: AbortSignal): Promise<void> {
    const [first] = this.#rounds;
    await orAborted(first!.sent, signal);
    if (first!.left.length > 0) await this.#again(signal);
    else this.#rounds.shift();
  }

  /** Waits until nothing is under way, and sends round by round what is left. */
  async #again(signal: AbortSignal): Promise<void> {
    await orAborted(Promise.all(this.#rounds.map(({ sent }) => sent)), signal);
    for (const round of this.#rounds) {
      const until = performance.now() + this.#retryForMs;
      for (let pauseMs: number = waitMs.first; round.left.length > 0; pauseMs = Math.min(2 * pauseMs, waitMs.max)) {
        if (!mayPass(round.failure) && !isBehindAnother(round.failure)) throw round.failure;
        if (performance.now() + pauseMs > until) throw round.failure;
        await sleep(pauseMs, undefined, { signal });
        this.#topic.forgetLeaders();
        await orAborted(this.#attempt(round), signal);
        // What came before is confirmed by now: the number is not wrong because of that.
        if (isBehindAnother(round.failure)) throw round.failure;
      }
    }
    this.#rounds = [];
  }

  /** Sends what is left of the round; what goes wrong is kept in it. */
  async #attempt(round: Round): Promise<void> {
    delete round.failure;
    const records = new Map(round.left.map((batch) => [batch.partition, batch]));
    try {
      await this.#topic.perLeader([...records.keys()], async (leader, led) => {
        const own = led.map(({ partition }) => records.get(partition)!);
        for (const answer of await this.#topic.produce(leader, own, replicasMsMax)) this.#judge(round, answer);
      });
    } catch (thrown) {
      round.failure ??= thrown;
    }
    if (round.left.length > 0) round.failure ??= protocolError(unknownError);
  }

  #judge(round: Round, { partition, error, message }: ProduceAnswer): void {
    if (error === 0 || error === duplicateSequence) {
      round.left = round.left.filter((batch) => batch.partition !== partition);
      return;
    }
    const failure = protocolError(error);
    if (message !== null) failure.message += `: ${message}`;
    if (round.failure === undefined || isBehindAnother(round.failure)) round.failure = failure;
  }
}

/** Whether a batch was refused only because one before it had not come. */
function isBehindAnother(failure: unknown): boolean {
  return (failure as { code?: number } | undefined)?.code === outOfOrderSequence;
}

/** Groups with at most one batch of each partition, those of a partition in their order. */
function byRound(batches: readonly EncodedBatch[]): EncodedBatch[][] {
  const rounds: EncodedBatch[][] = [];
  const counts = new Map<number, number>();
  for (const batch of batches) {
    const index = counts.get(batch.partition) ?? 0;
    counts.set(batch.partition, index + 1);
    (rounds[index] ??= []).push(batch);
  }
  return rounds;
}
