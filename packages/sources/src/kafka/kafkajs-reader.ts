import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { MessageSet, type PlainMessage } from "@sferic/bindings/kafka";
import { kafkaClient } from "@sferic/connections/kafka/client";
import type { FetchOptions, Isolation } from "@sferic/connections/kafka/requests";
import { orAborted, type Topic } from "@sferic/connections/kafka/topic";
import type { Connection } from "@sferic/operator";
import type { Batch, Consumer, KafkaMessage } from "kafkajs";
import type { LostRange, MessageReader, PartitionRange } from "./reader.ts";

/** Items that wait for the consumer before no more are fetched. */
const waitingMax = 2;

/** How long nothing may come before it is asked whether there is anything left, in milliseconds. */
const silenceMs = 2000;

/**
 * How long a member of the group may be silent, in milliseconds. After a lost coordinator the consumer joins as another
 * member, and has to wait for so long for the one it was.
 */
const sessionMs = 10_000;

/**
 * Reads by the consumer of kafkajs, a JavaScript value for each message: what other clients of that library see. Its group
 * has no other member and is removed at the end; where to read is told to it whenever it joins.
 */
export class KafkajsReader implements MessageReader {
  readonly #connection: Connection;
  readonly #topic: Topic;
  readonly #name: string;
  readonly #isolation: Isolation;
  readonly #retryForMs: number;
  readonly #group = `sferic-${randomUUID()}`;
  #consumer: Promise<Consumer> | undefined;
  #isMember = false;
  #reading: Reading | undefined;

  constructor(connection: Connection, topic: Topic, name: string, isolation: Isolation, retryForMs: number) {
    this.#connection = connection;
    this.#topic = topic;
    this.#name = name;
    this.#isolation = isolation;
    this.#retryForMs = retryForMs;
  }

  async *read(ranges: readonly PartitionRange[], signal: AbortSignal): AsyncGenerator<MessageSet | LostRange> {
    const reading = new Reading(ranges);
    if (reading.isDone) return;
    this.#reading = reading;
    const abort = (): void => reading.fail(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    try {
      const consumer = await orAborted((this.#consumer ??= this.#started()), signal);
      if (this.#isMember)
        for (const [partition, { position }] of reading.open) this.#seek(consumer, partition, position);
      while (!reading.isDone || reading.hasItems) {
        const item = await reading.next(silenceMs);
        if (item !== null) yield item;
        else yield* await this.#left(reading, signal);
      }
    } catch (thrown) {
      throw signal.aborted ? thrown : this.#topic.error(thrown);
    } finally {
      signal.removeEventListener("abort", abort);
      this.#reading = undefined;
      reading.drop();
    }
  }

  async close(): Promise<void> {
    const consumer = await this.#consumer?.catch(() => undefined);
    this.#consumer = undefined;
    if (consumer === undefined) return;
    await consumer.disconnect();
    const admin = this.#client().admin();
    // A group without members goes by itself after a while.
    await admin.connect().then(
      () => admin.deleteGroups([this.#group]).catch(() => {}),
      () => {},
    );
    await admin.disconnect();
  }

  #client(): ReturnType<typeof kafkaClient> {
    const retries = 4 + Math.ceil(this.#retryForMs / 1000);
    return kafkaClient(this.#connection, { initialRetryTime: 100, maxRetryTime: 1000, retries });
  }

  async #started(): Promise<Consumer> {
    const consumer = this.#client().consumer({
      groupId: this.#group,
      readUncommitted: this.#isolation === "uncommitted",
      allowAutoTopicCreation: false,
      maxWaitTimeInMs: 500,
      sessionTimeout: sessionMs,
      rebalanceTimeout: sessionMs,
    });
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      this.#isMember = true;
      // Before the first request: the library would begin where the topic does.
      for (const partition of payload.memberAssignment[this.#name] ?? []) {
        const open = this.#reading?.open.get(partition);
        if (open === undefined) consumer.pause([{ topic: this.#name, partitions: [partition] }]);
        else this.#seek(consumer, partition, open.position);
      }
    });
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
      // Of a batch without messages for readers only this is told.
      if (payload.batchSize === 0) this.#reading?.advance(payload.partition, BigInt(payload.lastOffset) + 1n);
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      this.#isMember = false;
      if (!payload.restart) this.#reading?.fail(payload.error);
    });
    await consumer.connect();
    await consumer.subscribe({ topic: this.#name, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch, isStale, pause, heartbeat }) => {
        const reading = this.#reading;
        if (reading === undefined || !reading.open.has(batch.partition)) pause();
        else if (!isStale()) await this.#take(reading, batch, heartbeat);
      },
    });
    return consumer;
  }

  #seek(consumer: Consumer, partition: number, offset: bigint): void {
    consumer.seek({ topic: this.#name, partition, offset: String(offset) });
    consumer.resume([{ topic: this.#name, partitions: [partition] }]);
  }

  async #take(reading: Reading, batch: Batch, heartbeat: () => Promise<void>): Promise<void> {
    const { partition, messages } = batch;
    const { position, until } = reading.open.get(partition)!;
    const first = BigInt(batch.firstOffset() ?? position);
    // The library goes to the beginning of a partition, without a word, when an offset is not there.
    if (first > position) {
      const begins = await this.#topic.offsets([partition], "earliest", this.#isolation, new AbortController().signal);
      const begin = begins.get(partition)!;
      if (begin > position) {
        const end = begin < until ? begin : until;
        const reason = `the partition begins at ${begin} now`;
        reading.give({ partition, from: position, until: end, reason });
        reading.advance(partition, end);
      }
    }
    const wanted = messages.filter(({ offset }) => BigInt(offset) >= position && BigInt(offset) < until);
    // Markers of transactions are not among the messages.
    const behind = BigInt(batch.lastOffset()) + 1n;
    const next = behind < until ? behind : until;
    if (wanted.length > 0) reading.give(MessageSet.of(partition, wanted.map(plain), next));
    reading.advance(partition, next);
    await reading.room(heartbeat);
  }

  /** What is lost of ranges when nothing comes any more: nothing, where no more messages lie before their ends. */
  async #left(reading: Reading, signal: AbortSignal): Promise<LostRange[]> {
    const lost: LostRange[] = [];
    for (const [partition, { position, until, sinceMs }] of reading.open) {
      const wanted = new Map([[partition, position]]);
      const [found] = await this.#topic.persist(() => this.#topic.fetch(wanted, oneBatch(this.#isolation)), signal);
      const end = this.#isolation === "committed" ? found!.lastStableOffset : found!.highWatermark;
      const isLate = performance.now() - sinceMs > this.#retryForMs;
      const hasNone = found!.error === 0 && found!.records.length === 0;
      if (hasNone && end >= until) reading.advance(partition, until);
      else if (isLate && hasNone) {
        lost.push({ partition, from: position, until, reason: "the partition ends before" });
        reading.advance(partition, until);
      } else if (isLate)
        throw new Error(`the reader kafkajs stands still at offset ${position} of partition ${partition}`);
    }
    return lost;
  }
}

/** What tells whether a partition has another batch. */
function oneBatch(isolation: Isolation): FetchOptions {
  return { isolation, bytesMax: 1, partitionBytesMax: 1, waitMs: 0 };
}

interface OpenRange {
  readonly position: bigint;
  readonly until: bigint;
  /** When it came this far. */
  readonly sinceMs: number;
}

/** What one call of `read` still waits for, and what has come. */
class Reading {
  readonly open: Map<number, OpenRange>;
  readonly #items: (MessageSet | LostRange)[] = [];
  #failure: { readonly thrown: unknown } | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(ranges: readonly PartitionRange[]) {
    const open = ranges.filter(({ from, until }) => from < until);
    const sinceMs = performance.now();
    this.open = new Map(open.map(({ partition, from, until }) => [partition, { position: from, until, sinceMs }]));
  }

  get isDone(): boolean {
    return this.open.size === 0;
  }

  get hasItems(): boolean {
    return this.#items.length > 0;
  }

  fail(thrown: unknown): void {
    this.#failure ??= { thrown };
    this.#tell();
  }

  advance(partition: number, to: bigint): void {
    const range = this.open.get(partition);
    if (range === undefined || to <= range.position) return;
    if (to >= range.until) this.open.delete(partition);
    else this.open.set(partition, { ...range, position: to, sinceMs: performance.now() });
    this.#tell();
  }

  give(item: MessageSet | LostRange): void {
    this.#items.push(item);
    this.#tell();
  }

  /** Waits while too many items wait already, and keeps the place in the group meanwhile. */
  async room(heartbeat: () => Promise<void>): Promise<void> {
    while (this.#items.length > waitingMax && this.#failure === undefined) {
      await Promise.race([this.#changed.promise, sleep(1000)]);
      await heartbeat();
    }
  }

  /** The next item; null when nothing has come for so long, or all has. */
  async next(silenceMs: number): Promise<MessageSet | LostRange | null> {
    const quiet = performance.now() + silenceMs;
    while (this.#items.length === 0 && !this.isDone) {
      if (this.#failure !== undefined) throw this.#failure.thrown;
      const leftMs = quiet - performance.now();
      if (leftMs <= 0) return null;
      const timer = new AbortController();
      const pause = sleep(leftMs, undefined, { signal: timer.signal }).catch(() => {});
      await Promise.race([this.#changed.promise, pause]);
      timer.abort();
    }
    const item = this.#items.shift() ?? null;
    this.#tell();
    return item;
  }

  /** Lets go of what nobody took. */
  drop(): void {
    this.fail(undefined);
    for (const item of this.#items.splice(0)) if (item instanceof MessageSet) item.close();
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

function plain({ offset, timestamp, key, value, headers = {} }: KafkaMessage): PlainMessage {
  const listed = Object.entries(headers).flatMap(([name, values]) =>
    (Array.isArray(values) ? values : [values]).map((one) => ({
      name,
      value: one === undefined ? null : Buffer.from(one),
    })),
  );
  return { offset: BigInt(offset), timestampMs: BigInt(timestamp), key, value, headers: listed };
}
