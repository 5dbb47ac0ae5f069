import { setTimeout as sleep } from "node:timers/promises";
import { type Connection, OperatorError } from "@sferic/operator";
import { Brokers, type ProtocolError, protocolError } from "./brokers.ts";
import { kafkaError } from "./errors.ts";
import {
  commitOffsetsRequest,
  type FetchedRecords,
  type FetchOptions,
  fetchRequest,
  type GroupOffset,
  type Isolation,
  listOffsetsRequest,
  metadataRequest,
  type PartitionLeader,
  type PartitionRecords,
  type ProduceAnswer,
  produceRequest,
  producerIdRequest,
  type Request,
  type TopicAnswer,
} from "./requests.ts";

/** Where to look in a partition: the ends, or the first message at or after a time in milliseconds since 1970. */
export type Place = "earliest" | "latest" | { readonly timestampMs: number };

/** A topic as it is now. */
export interface TopicState {
  /** As Kafka's tools print it; a topic of the same name that is created later has another. */
  readonly id: string;
  /** Numbers of the partitions, from 0. */
  readonly partitions: readonly number[];
}

/** Longest time that brokers may take to know all they knew before they were started again, in milliseconds. */
const settlingMsMax = 5000;

const waitMs = { first: 50, max: 1000 } as const;

/**
 * Requests about one topic: each goes to whoever leads a partition, and again when a broker is away or the leader has
 * changed, for as long as told. What fails in the end is an `OperatorError` that says what to do.
 */
export class Topic {
  readonly #connection: Connection;
  readonly #topic: string;
  readonly #retryForMs: number;
  readonly #brokers: Brokers;
  #leaders: ReadonlyMap<number, PartitionLeader> = new Map();

  constructor(connection: Connection, topic: string, retryForMs: number) {
    this.#connection = connection;
    this.#topic = topic;
    this.#retryForMs = retryForMs;
    this.#brokers = new Brokers(connection, topic);
  }

  /** Id and partitions of now. `forMs`: how long to go on when no broker answers; as long as for all when left out. */
  async describe(signal: AbortSignal, forMs = this.#retryForMs): Promise<TopicState> {
    const { id, partitions } = await this.persist(() => this.#refreshed(), signal, forMs);
    return { id, partitions: partitions.map(({ partition }) => partition) };
  }

  /** Offsets of a place in the partitions; where no message is at or after a time, the end. */
  async offsets(
    partitions: readonly number[],
    place: Place,
    isolation: Isolation,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<number, bigint>> {
    const found = new Map<number, bigint>();
    const timestamp = typeof place === "object" ? BigInt(place.timestampMs) : place === "latest" ? -1n : -2n;
    await this.persist(async () => {
      const left = partitions.filter((partition) => !found.has(partition));
      const answers = await this.perLeader(left, (leader, led) => {
        const wanted = led.map(({ partition, leaderEpoch }) => ({ partition, leaderEpoch, timestamp }));
        return this.#brokers.send(leader, listOffsetsRequest(this.#topic, wanted, isolation));
      });
      for (const { partition, error, offset } of answers.flat()) if (error === 0) found.set(partition, offset);
      throwFirst(answers.flat());
    }, signal);
    const none = partitions.filter((partition) => found.get(partition) === -1n);
    const ends = none.length === 0 ? new Map() : await this.offsets(none, "latest", isolation, signal);
    return new Map([...found, ...ends]);
  }

  /**
   * What the leaders have of these partitions, from these offsets on; one request each. Errors of single partitions are
   * left to the caller.
   */
  async fetch(offsets: ReadonlyMap<number, bigint>, options: FetchOptions): Promise<readonly FetchedRecords[]> {
    const answers = await this.perLeader([...offsets.keys()], async (leader, led) => {
      const wanted = led.map(({ partition, leaderEpoch }) => ({
        partition,
        leaderEpoch,
        offset: offsets.get(partition)!,
      }));
      const { error, partitions } = await this.#brokers.send(leader, fetchRequest(this.#topic, wanted, options));
      if (error !== 0) throw protocolError(error);
      return partitions;
    });
    return answers.flat();
  }

  /** An id for a producer whose batches are written once. */
  producerId(signal: AbortSignal): Promise<{ readonly producerId: bigint; readonly producerEpoch: number }> {
    return this.persist(async () => {
      const answer = await this.#brokers.sendToAny(producerIdRequest());
      throwFirst([answer]);
      return answer;
    }, signal);
  }

  /** Sends record batches to the broker that leads their partitions. */
  produce(leader: number, batches: readonly PartitionRecords[], timeoutMs: number): Promise<ProduceAnswer[]> {
    return this.#brokers.send(leader, produceRequest(this.#topic, batches, timeoutMs));
  }

  /** Puts down how far a group has read, for those who watch its lag. */
  async commit(group: string, offsets: readonly GroupOffset[], signal: AbortSignal): Promise<void> {
    await this.persist(async () => {
      const request: Request<number[]> = commitOffsetsRequest(group, this.#topic, offsets);
      const errors = await this.#brokers.sendToCoordinator(group, request);
      throwFirst(errors.map((error) => ({ error })));
    }, signal);
  }

  async close(): Promise<void> {
    await this.#brokers.close();
  }

  /** Forgets who leads, so that it is asked before the next request. */
  forgetLeaders(): void {
    this.#leaders = new Map();
  }

  /** Calls once for each broker that leads some of the partitions, all at once; at once indeed when the leaders are known. */
  async perLeader<T>(
    partitions: readonly number[],
    call: (leader: number, led: readonly PartitionLeader[]) => Promise<T>,
  ): Promise<T[]> {
    for (const partition of partitions) if (!this.#isLed(partition)) await this.#findLeader(partition);
    const led = partitions.map((partition) => this.#leaders.get(partition)!);
    const groups = [...Map.groupBy(led, ({ leader }) => leader)];
    const outcomes = await Promise.allSettled(groups.map(([leader, ofLeader]) => call(leader, ofLeader)));
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<T>).value);
  }

  /** Does the work, again with new leaders when what went wrong may pass, until it has failed for too long. */
  async persist<T>(work: () => Promise<T>, signal: AbortSignal, forMs = this.#retryForMs): Promise<T> {
    const until = performance.now() + forMs;
    for (let pauseMs: number = waitMs.first; ; pauseMs = Math.min(2 * pauseMs, waitMs.max)) {
      try {
        signal.throwIfAborted();
        return await orAborted(work(), signal);
      } catch (thrown) {
        if (signal.aborted) throw thrown;
        if (!mayPass(thrown) || performance.now() + pauseMs > until) throw this.error(thrown);
        this.forgetLeaders();
        await sleep(pauseMs, undefined, { signal });
      }
    }
  }

  /** What the work resolves to once it is as wanted, or after a few seconds: brokers that have just started know less. */
  async settled<T>(work: () => Promise<T>, isWanted: (found: T) => boolean, signal: AbortSignal): Promise<T> {
    const until = performance.now() + Math.min(settlingMsMax, this.#retryForMs);
    for (;;) {
      const found = await work();
      if (isWanted(found) || performance.now() > until) return found;
      await sleep(waitMs.first, undefined, { signal });
    }
  }

  /** What was thrown, with the words of this topic and connection. */
  error(thrown: unknown): OperatorError {
    return kafkaError(thrown, { connection: this.#connection, topic: this.#topic });
  }

  #isLed(partition: number): boolean {
    return (this.#leaders.get(partition)?.leader ?? -1) >= 0;
  }

  async #findLeader(partition: number): Promise<void> {
    await this.#refreshed();
    if (!this.#isLed(partition)) throw protocolError(leaderNotAvailable);
  }

  async #refreshed(): Promise<TopicAnswer> {
    const answer = await this.#brokers.sendToAny(metadataRequest(this.#topic));
    throwFirst([answer]);
    if (answer.partitions.some(({ leader }) => leader >= 0 && !this.#brokers.isKnown(leader))) {
      await this.#brokers.refresh();
    }
    this.#leaders = new Map(answer.partitions.map((leader) => [leader.partition, leader]));
    return answer;
  }
}

const leaderNotAvailable = 5;

/** Names of client errors that say that a broker was not reached. */
const unreached =
  /^KafkaJS(Connection|ConnectionClosed|RequestTimeout|BrokerNotFound|LockTimeout|MetadataNotLoaded|NumberOfRetriesExceeded)/;

/** Whether the same may succeed later. A topic that is not there may be one whose broker has just started. */
export function mayPass(thrown: unknown): boolean {
  if (thrown instanceof OperatorError) return thrown.retry === "backoff";
  const { name, retriable, cause } = thrown as ProtocolError;
  if (name === "KafkaJSSASLAuthenticationError") return false;
  return retriable === true || unreached.test(name) || (cause instanceof Error && cause !== thrown && mayPass(cause));
}

/** Throws the first error code that is not 0. */
function throwFirst(answers: readonly { readonly error: number }[]): void {
  const failed = answers.find(({ error }) => error !== 0);
  if (failed !== undefined) throw protocolError(failed.error);
}

/** The outcome of the work, or the abort if that comes first. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
