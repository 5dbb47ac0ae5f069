/**
 * The requests that Sferic sends itself, in versions that brokers from Apache Kafka 2.8 on understand. What their fields
 * mean is told by the protocol guide of Apache Kafka.
 */
import { ProtocolReader, ProtocolWriter } from "./protocol-bytes.ts";

/** A request of Kafka's protocol and how to read what is answered. */
export interface Request<T> {
  readonly name: string;
  readonly key: number;
  readonly version: number;
  /** Parts of what follows the head of the request. */
  readonly body: Buffer;
  read(answer: ProtocolReader): T;
  /** Longest time until the answer, in milliseconds; the connection's own when left out. */
  readonly timeoutMs?: number;
}

/** Messages of which transactions to read: those that were committed, or all. */
export type Isolation = "committed" | "uncommitted";

const isolationLevels = { uncommitted: 0, committed: 1 } as const;

const noOne = { replica: -1, session: 0, sessionEpoch: -1, offset: -1n, generation: -1 } as const;

export interface PartitionLeader {
  readonly partition: number;
  /** Of {@link errorNamed}; 0 for none. */
  readonly error: number;
  /** Broker that leads the partition; -1 for none. */
  readonly leader: number;
  readonly leaderEpoch: number;
}

export interface TopicAnswer {
  readonly error: number;
  /** Given to the topic when it was created, as Kafka's tools print it; a topic of the same name created later has another. */
  readonly id: string;
  readonly partitions: readonly PartitionLeader[];
}

/** Who leads the partitions of a topic. */
export function metadataRequest(topic: string): Request<TopicAnswer> {
  const anyId = Buffer.alloc(16).toString("base64url");
  const body = new ProtocolWriter().int8(0).unsignedVarint(2).uuid(anyId).compactString(topic).int8(0);
  const flags = { autoCreate: 0, clusterOperations: 0, topicOperations: 0, tags: 0 };
  for (const flag of Object.values(flags)) body.int8(flag);
  return { name: "Metadata", key: 3, version: 10, body: body.toBuffer(), read: topicOf };
}

function topicOf(answer: ProtocolReader): TopicAnswer {
  answer.tags();
  answer.int32();
  answer.compactArray(() => {
    answer.int32();
    answer.compactString();
    answer.int32();
    answer.compactString();
    answer.tags();
  });
  answer.compactString();
  answer.int32();
  const topics = answer.compactArray(() => {
    const error = answer.int16();
    answer.compactString();
    const id = answer.uuid();
    answer.int8();
    const partitions = answer.compactArray(() => leaderOf(answer));
    answer.int32();
    answer.tags();
    return { error, id, partitions: partitions.toSorted((a, b) => a.partition - b.partition) };
  });
  return topics[0]!;
}

function leaderOf(answer: ProtocolReader): PartitionLeader {
  const error = answer.int16();
  const [partition, leader, leaderEpoch] = [answer.int32(), answer.int32(), answer.int32()];
  // Its replicas, those in sync, and those that are off.
  for (let list = 0; list < 3; list += 1) answer.compactArray(() => answer.int32());
  answer.tags();
  return { partition, error, leader, leaderEpoch };
}

/** An offset to look up in a partition. */
export interface WantedOffset {
  readonly partition: number;
  readonly leaderEpoch: number;
  /** Milliseconds since 1970: the first message at or after it. -1: behind the last message. -2: the first there is. */
  readonly timestamp: bigint;
}

export interface OffsetAnswer {
  readonly partition: number;
  readonly error: number;
  /** -1 where no message is at or after the time. */
  readonly offset: bigint;
}

/** Looks up offsets; behind the last message is where the oldest open transaction begins if only committed ones count. */
export function listOffsetsRequest(
  topic: string,
  wanted: readonly WantedOffset[],
  isolation: Isolation,
): Request<OffsetAnswer[]> {
  const body = new ProtocolWriter().int32(noOne.replica).int8(isolationLevels[isolation]);
  body.array([topic], (name) =>
    body.string(name).array(wanted, ({ partition, leaderEpoch, timestamp }) => {
      body.int32(partition).int32(leaderEpoch).int64(timestamp);
    }),
  );
  return { name: "ListOffsets", key: 2, version: 5, body: body.toBuffer(), read };

  function read(answer: ProtocolReader): OffsetAnswer[] {
    answer.int32();
    const topics = answer.array(() => {
      answer.string();
      return answer.array(() => {
        const [partition, error] = [answer.int32(), answer.int16()];
        answer.int64();
        const offset = answer.int64();
        answer.int32();
        return { partition, error, offset };
      });
    });
    return topics.flat();
  }
}

/** A partition to fetch from. */
export interface WantedRecords {
  readonly partition: number;
  readonly leaderEpoch: number;
  readonly offset: bigint;
}

export interface FetchOptions {
  readonly isolation: Isolation;
  /** Bytes of all partitions together; one batch comes even if it is larger. */
  readonly bytesMax: number;
  readonly partitionBytesMax: number;
  /** How long the broker may wait for a first message, in milliseconds. */
  readonly waitMs: number;
}

/** What a broker has of a partition. */
export interface FetchedRecords {
  readonly partition: number;
  readonly error: number;
  readonly highWatermark: bigint;
  /** Before it all transactions have ended. */
  readonly lastStableOffset: bigint;
  readonly logStartOffset: bigint;
  /** Transactions among the records that were given up. */
  readonly aborted: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[];
  /** Record batches; the last one may be cut off. Shares the memory of the whole answer. */
  readonly records: Buffer;
}

/** Record batches of partitions that one broker leads. */
export function fetchRequest(
  topic: string,
  wanted: readonly WantedRecords[],
  { isolation, bytesMax, partitionBytesMax, waitMs }: FetchOptions,
): Request<{ readonly error: number; readonly partitions: readonly FetchedRecords[] }> {
  const body = new ProtocolWriter().int32(noOne.replica).int32(waitMs).int32(1).int32(bytesMax);
  body.int8(isolationLevels[isolation]).int32(noOne.session).int32(noOne.sessionEpoch);
  body.array([topic], (name) =>
    body.string(name).array(wanted, ({ partition, leaderEpoch, offset }) => {
      body.int32(partition).int32(leaderEpoch).int64(offset).int64(noOne.offset).int32(partitionBytesMax);
    }),
  );
  body.array([], () => {}).string("");
  return { name: "Fetch", key: 1, version: 11, body: body.toBuffer(), read: fetchedOf };
}

function fetchedOf(answer: ProtocolReader): { error: number; partitions: FetchedRecords[] } {
  answer.int32();
  const error = answer.int16();
  answer.int32();
  const topics = answer.array(() => {
    answer.string();
    return answer.array((): FetchedRecords => {
      const [partition, partitionError] = [answer.int32(), answer.int16()];
      const [highWatermark, lastStableOffset, logStartOffset] = [answer.int64(), answer.int64(), answer.int64()];
      const aborted = answer.array(() => ({ producerId: answer.int64(), firstOffset: answer.int64() }));
      answer.int32();
      const records = answer.bytes() ?? Buffer.alloc(0);
      return { partition, error: partitionError, highWatermark, lastStableOffset, logStartOffset, aborted, records };
    });
  });
  return { error, partitions: topics.flat() };
}

export interface ProducerIdAnswer {
  readonly error: number;
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

/** A new id for a producer whose batches are written once, however often they are sent. */
export function producerIdRequest(): Request<ProducerIdAnswer> {
  const body = new ProtocolWriter().string(null).int32(0).toBuffer();
  const read = (answer: ProtocolReader): ProducerIdAnswer => {
    answer.int32();
    return { error: answer.int16(), producerId: answer.int64(), producerEpoch: answer.int16() };
  };
  return { name: "InitProducerId", key: 22, version: 1, body, read };
}

/** Record batches for a partition. */
export interface PartitionRecords {
  readonly partition: number;
  readonly records: Uint8Array;
}

export interface ProduceAnswer {
  readonly partition: number;
  readonly error: number;
  /** What the broker says beside the code, if anything. */
  readonly message: string | null;
}

/** Writes record batches, and is answered when all in-sync replicas have them. */
export function produceRequest(
  topic: string,
  batches: readonly PartitionRecords[],
  timeoutMs: number,
): Request<ProduceAnswer[]> {
  const allReplicas = -1;
  const body = new ProtocolWriter().string(null).int16(allReplicas).int32(timeoutMs);
  body.array([topic], (name) =>
    body.string(name).array(batches, ({ partition, records }) => body.int32(partition).bytes(records)),
  );
  return { name: "Produce", key: 0, version: 8, body: body.toBuffer(), read: producedOf };
}

function producedOf(answer: ProtocolReader): ProduceAnswer[] {
  const topics = answer.array(() => {
    answer.string();
    return answer.array(() => {
      const [partition, error] = [answer.int32(), answer.int16()];
      // Offset of the first message, time of the broker, and where the partition begins.
      for (let place = 0; place < 3; place += 1) answer.int64();
      answer.array(() => [answer.int32(), answer.string()]);
      return { partition, error, message: answer.string() };
    });
  });
  return topics.flat();
}

/** Where a group of readers is to go on. */
export interface GroupOffset {
  readonly partition: number;
  readonly offset: bigint;
}

/** Puts down how far a group without members has read; resolves to the error codes of the partitions. */
export function commitOffsetsRequest(group: string, topic: string, offsets: readonly GroupOffset[]): Request<number[]> {
  const body = new ProtocolWriter().string(group).int32(noOne.generation).string("").string(null);
  body.array([topic], (name) =>
    body.string(name).array(offsets, ({ partition, offset }) => {
      body.int32(partition).int64(offset).int32(-1).string("");
    }),
  );
  const read = (answer: ProtocolReader): number[] => {
    answer.int32();
    const topics = answer.array(() => {
      answer.string();
      return answer.array(() => {
        answer.int32();
        return answer.int16();
      });
    });
    return topics.flat();
  };
  return { name: "OffsetCommit", key: 8, version: 7, body: body.toBuffer(), read };
}
