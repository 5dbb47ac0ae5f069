import { setTimeout as sleep } from "node:timers/promises";
import { type FetchedPartition, MessageSet } from "@sferic/bindings/kafka";
import { protocolError } from "@sferic/connections/kafka/brokers";
import type { FetchedRecords, Isolation } from "@sferic/connections/kafka/requests";
import type { Topic } from "@sferic/connections/kafka/topic";
import { OperatorError } from "@sferic/operator";
import { ahead, type LostRange, type MessageReader, type PartitionRange } from "./reader.ts";

/**
 * Bytes of records in an answer, of all partitions that a broker leads and of one; a batch that is larger comes alone. More
 * is no faster beside the broker, and costs memory.
 */
const bytesMax = { answer: 2 * 1024 * 1024, partition: 1024 * 1024 } as const;

/** How long a broker may wait for a first message, and the pause when none is there for another reason, in milliseconds. */
const waitMs = { broker: 500, pause: 100 } as const;

const offsetOutOfRange = 1;

/** Where reading has got in a range. */
interface Progress {
  readonly range: PartitionRange;
  readonly position: bigint;
}

/** What one round of requests brought. */
interface Round {
  readonly partitions: readonly FetchedPartition[];
  readonly lost: readonly LostRange[];
}

/**
 * Fetches record batches by partition and offset, without a group, and leaves their bytes to the core. While one round of
 * answers is parsed the next is under way; more than that is never in memory.
 */
export class RawReader implements MessageReader {
  readonly #topic: Topic;
  readonly #isolation: Isolation;
  readonly #retryForMs: number;

  constructor(topic: Topic, isolation: Isolation, retryForMs: number) {
    this.#topic = topic;
    this.#isolation = isolation;
    this.#retryForMs = retryForMs;
  }

  read(ranges: readonly PartitionRange[], signal: AbortSignal): AsyncGenerator<MessageSet | LostRange> {
    const rounds = ahead(this.#rounds(ranges, signal), () => {});
    return ahead(parsed(rounds, signal), (item) => {
      if (item instanceof MessageSet) item.close();
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async *#rounds(ranges: readonly PartitionRange[], signal: AbortSignal): AsyncGenerator<Round> {
    const left = new Rest(ranges);
    while (!left.isEmpty) {
      const answers = await this.#topic.persist(() => this.#fetch(left), signal);
      const lost = await this.#lost(answers, left, signal);
      const partitions = left.take(answers, this.#isolation);
      if (left.idleMs > this.#retryForMs) lost.push(...left.giveUp());
      if (partitions.length > 0 || lost.length > 0) yield { partitions, lost };
      else await sleep(left.mayBeGaps ? 0 : waitMs.pause, undefined, { signal });
    }
  }

  /** Throws when no partition has a usable answer. */
  async #fetch(left: Rest): Promise<readonly FetchedRecords[]> {
    const answers = await this.#topic.fetch(left.wanted(), {
      isolation: this.#isolation,
      bytesMax: bytesMax.answer,
      partitionBytesMax: bytesMax.partition,
      waitMs: waitMs.broker,
    });
    const failed = answers.filter(({ error }) => error !== 0 && error !== offsetOutOfRange);
    if (failed.length === answers.length && failed.length > 0) throw protocolError(failed[0]!.error);
    if (failed.length > 0) this.#topic.forgetLeaders();
    return answers;
  }

  /** What is before the first message that the topic still has. */
  async #lost(answers: readonly FetchedRecords[], left: Rest, signal: AbortSignal): Promise<LostRange[]> {
    const outside = answers.flatMap(({ partition, error }) => (error === offsetOutOfRange ? [partition] : []));
    if (outside.length === 0) return [];
    const begins = await this.#topic.offsets(outside, "earliest", this.#isolation, signal);
    return outside.flatMap((partition) => left.skip(partition, begins.get(partition)!) ?? []);
  }
}

/** What of some ranges is still to be read. */
class Rest {
  readonly #left: Map<number, Progress>;
  /** Partition to be asked for alone: an answer for it alone has a batch, however large, if there is one. */
  #alone: number | undefined;
  #progressedMs = performance.now();

  constructor(ranges: readonly PartitionRange[]) {
    const open = ranges.filter(({ from, until }) => from < until);
    this.#left = new Map(open.map((range) => [range.partition, { range, position: range.from }]));
  }

  get isEmpty(): boolean {
    return this.#left.size === 0;
  }

  /** Time since anything was learnt, in milliseconds. */
  get idleMs(): number {
    return performance.now() - this.#progressedMs;
  }

  /** Whether the next question tells a gap from messages that are still to come. */
  get mayBeGaps(): boolean {
    return this.#alone !== undefined;
  }

  /** Where to go on, by partition. */
  wanted(): ReadonlyMap<number, bigint> {
    const asked = this.#alone === undefined ? [...this.#left] : [[this.#alone, this.#left.get(this.#alone)!] as const];
    return new Map(asked.map(([partition, { position }]) => [partition, position]));
  }

  /** Takes whole batches out of answers, and passes over gaps that reach to the end of a range. */
  take(answers: readonly FetchedRecords[], isolation: Isolation): FetchedPartition[] {
    const wasAlone = this.#alone;
    this.#alone = undefined;
    const taken: FetchedPartition[] = [];
    for (const { partition, error, records, aborted, highWatermark, lastStableOffset } of answers) {
      const progress = this.#left.get(partition);
      if (error !== 0 || progress === undefined) continue;
      const { range, position } = progress;
      const next = offsetBehind(records);
      const end = isolation === "committed" ? lastStableOffset : highWatermark;
      if (next !== null && next > position) {
        const own = isolation === "committed" ? { aborted } : {};
        taken.push({ partition, records, from: position, until: range.until, ...own });
        this.#advance(partition, next);
      } else if (records.length > 0 && partition === wasAlone) {
        // Neither a gap nor a batch: the core says what it is.
        taken.push({ partition, records, from: position, until: range.until });
      } else if (end >= range.until && partition === wasAlone) this.#advance(partition, range.until);
      else if (end >= range.until) this.#alone = partition;
    }
    // One that brought nothing beside others may only have found no room.
    if (taken.length > 0) this.#alone = undefined;
    return taken;
  }

  /** Goes on where the partition begins; null when it begins where it should. */
  skip(partition: number, begin: bigint): LostRange | null {
    const { range, position } = this.#left.get(partition)!;
    if (begin <= position) return null;
    const until = begin < range.until ? begin : range.until;
    this.#advance(partition, until);
    return { partition, from: position, until, reason: `the partition begins at ${begin} now` };
  }

  /** Ends with what has not come. */
  giveUp(): LostRange[] {
    const all = [...this.#left.values()];
    this.#left.clear();
    return all.map(({ range, position }) => ({
      partition: range.partition,
      from: position,
      until: range.until,
      reason: "the partition ends before",
    }));
  }

  #advance(partition: number, to: bigint): void {
    const { range } = this.#left.get(partition)!;
    this.#progressedMs = performance.now();
    // Behind the others, so that the next answer begins with those.
    this.#left.delete(partition);
    if (to < range.until) this.#left.set(partition, { range, position: to });
  }
}

/** Bytes of a batch up to its length, and place of the offset of its last message after its first. */
const header = { length: 12, lastOffsetDelta: 23, magic: 16, bytes: 61 } as const;

/** The offset behind the last whole batch; null without one. What else is in a batch is the core's to judge. */
function offsetBehind(records: Buffer): bigint | null {
  let next: bigint | null = null;
  for (let at = 0; at + header.bytes <= records.length;) {
    const end = at + header.length + records.readInt32BE(at + 8);
    if (end > records.length || end < at + header.bytes || records[at + header.magic] !== 2) break;
    next = records.readBigInt64BE(at) + BigInt(records.readInt32BE(at + header.lastOffsetDelta)) + 1n;
    at = end;
  }
  return next;
}

async function* parsed(rounds: AsyncGenerator<Round>, signal: AbortSignal): AsyncGenerator<MessageSet | LostRange> {
  for await (const { partitions, lost } of rounds) {
    for (let left = partitions; left.length > 0;) {
      const set = await MessageSet.parse(left, signal);
      const before = left;
      left = leftOf(before, set);
      if (left.length === 0) release(partitions);
      if (set.count > 0) yield set;
      else set.close();
    }
    yield* lost;
  }
}

/** Gives the memory of answers back at once: collecting it as garbage waits until there are many. */
function release(partitions: readonly FetchedPartition[]): void {
  for (const memory of new Set(partitions.map(({ records }) => records.buffer as ArrayBuffer))) memory.transfer(0);
}

/** What the core has left for another call: it takes only so much at a time. */
function leftOf(partitions: readonly FetchedPartition[], set: MessageSet): FetchedPartition[] {
  const reached = new Map(set.next.map(({ partition, offset }) => [partition, offset]));
  const left = partitions.flatMap((fetched) => {
    const behind = offsetBehind(fetched.records as Buffer) ?? fetched.until;
    const from = reached.get(fetched.partition)!;
    return from < fetched.until && from < behind ? [{ ...fetched, from }] : [];
  });
  const isStuck =
    left.length === partitions.length && partitions.every(({ from }, index) => from === left[index]!.from);
  if (!isStuck) return left;
  set.close();
  const message = `Partition ${left[0]!.partition} cannot be read beyond the offset ${left[0]!.from}.`;
  throw new OperatorError({ code: "internal-error", message, domain: "internal" });
}
