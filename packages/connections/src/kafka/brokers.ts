import { createRequire } from "node:module";
import type { Connection } from "@sferic/operator";
import { clientSettings } from "./client.ts";
import { ProtocolReader } from "./protocol-bytes.ts";
import type { Request } from "./requests.ts";

/** The parts of kafkajs below its public face that connect to brokers, as far as they are used here. */
interface KafkajsConnectionPool {
  send(request: object): Promise<Buffer>;
}

interface KafkajsBroker {
  readonly connectionPool: KafkajsConnectionPool & {
    readonly pool: readonly KafkajsConnection[];
  };
  /** Lowest and highest version of each request, by its key. */
  readonly versions: Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>>;
  disconnect(): Promise<void>;
}

interface KafkajsConnection {
  /** What has come and is no whole answer yet. */
  chunks: Buffer[];
  bytesBuffered: number;
  processData(bytes: Buffer): void;
}

interface KafkajsCluster {
  readonly brokerPool: { createBroker(options: object): KafkajsBroker };
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  refreshMetadata(): Promise<void>;
  findBroker(which: { readonly nodeId: number }): Promise<KafkajsBroker>;
  findGroupCoordinator(which: { readonly groupId: string }): Promise<KafkajsBroker>;
  getNodeIds(): string[];
}

// The version of kafkajs is pinned: its insides do not change under these names.
const inside = createRequire(import.meta.url);
const Cluster = inside("kafkajs/src/cluster") as new (options: object) => KafkajsCluster;
const { createLogger, LEVELS } = inside("kafkajs/src/loggers") as {
  createLogger(options: object): object;
  readonly LEVELS: { readonly NOTHING: number };
};
const { createErrorFromCode } = inside("kafkajs/src/protocol/error") as {
  createErrorFromCode(code: number): ProtocolError;
};

/** An error code of a broker: `type` is its name in Kafka's protocol. */
export interface ProtocolError extends Error {
  readonly type: string;
  readonly code: number;
  /** Whether the same request may succeed later, perhaps at another broker. */
  readonly retriable: boolean;
}

/** Codes that kafkajs does not know and that pass by themselves: the topic id is not known yet, and the offsets are not. */
const passing = new Set([78, 100]);

/** The error that a code other than 0 means. */
export function protocolError(code: number): ProtocolError {
  const error = createErrorFromCode(code);
  return passing.has(code) ? Object.assign(error, { retriable: true }) : error;
}

/** Errors after which a connection is made anew: one that does not answer may have lost its other end. */
const lost = new Set(["KafkaJSConnectionClosedError", "KafkaJSRequestTimeoutError"]);

const timeouts = { connectionTimeout: 5000, authenticationTimeout: 10_000, requestTimeout: 30_000 } as const;

/**
 * Connections to the brokers of a cluster, opened when they are needed, with the TLS and the login of the connection. Tries
 * nothing twice: whoever sends decides. Sends requests of its own making, in their order for each broker, over the
 * connections of kafkajs.
 */
export class Brokers {
  readonly #cluster: KafkajsCluster;
  readonly #topic: string;

  constructor(connection: Connection, topic: string) {
    this.#topic = topic;
    this.#cluster = new Cluster({
      ...clientSettings(connection),
      ...timeouts,
      logger: createLogger({ level: LEVELS.NOTHING, logCreator: () => () => {} }),
      enforceRequestTimeout: true,
      allowAutoTopicCreation: false,
      metadataMaxAge: 300_000,
      maxInFlightRequests: null,
      retry: { retries: 0 },
    });
    const { brokerPool } = this.#cluster;
    const create = brokerPool.createBroker;
    brokerPool.createBroker = (options) => {
      const broker = create(options);
      broker.connectionPool.pool.forEach(takeWhole);
      return broker;
    };
  }

  /** Asks for the brokers of now: those that lead the topic's partitions can be found afterwards. */
  async refresh(): Promise<void> {
    await this.#cluster.connect();
    await this.#cluster.addTargetTopic(this.#topic);
    await this.#cluster.refreshMetadata();
  }

  /** Whether the last refresh told of this broker. */
  isKnown(nodeId: number): boolean {
    return this.#cluster.getNodeIds().includes(String(nodeId));
  }

  /** Sends to the broker of this number. */
  async send<T>(nodeId: number, request: Request<T>): Promise<T> {
    return this.#send(await this.#cluster.findBroker({ nodeId }), request);
  }

  /** Sends to a broker that answers, whichever. */
  async sendToAny<T>(request: Request<T>): Promise<T> {
    if (this.#cluster.getNodeIds().length === 0) await this.refresh();
    let failure: unknown;
    for (const nodeId of this.#cluster.getNodeIds()) {
      try {
        return await this.send(Number(nodeId), request);
      } catch (thrown) {
        failure = thrown;
      }
    }
    throw failure;
  }

  /** Sends to the broker that keeps the offsets of a group. */
  async sendToCoordinator<T>(group: string, request: Request<T>): Promise<T> {
    if (this.#cluster.getNodeIds().length === 0) await this.refresh();
    return this.#send(await this.#cluster.findGroupCoordinator({ groupId: group }), request);
  }

  async close(): Promise<void> {
    await this.#cluster.disconnect();
  }

  async #send<T>(broker: KafkajsBroker, request: Request<T>): Promise<T> {
    const { name, key, version, body, read, timeoutMs } = request;
    requireVersion(broker, request);
    const encoded = { buf: body, buffer: body };
    try {
      const answer = await broker.connectionPool.send({
        request: { apiKey: key, apiVersion: version, apiName: name, encode: () => Promise.resolve(encoded) },
        response: {
          decode: (bytes: Buffer) => Promise.resolve(bytes),
          parse: (bytes: Buffer) => Promise.resolve(bytes),
        },
        requestTimeout: timeoutMs ?? null,
      });
      return read(new ProtocolReader(answer));
    } catch (thrown) {
      if (lost.has((thrown as Error).name)) await broker.disconnect();
      throw thrown;
    }
  }
}

function requireVersion({ versions }: KafkajsBroker, { name, key, version }: Request<unknown>): void {
  const { minVersion = 0, maxVersion = -1 } = versions[key] ?? {};
  if (version >= minVersion && version <= maxVersion) return;
  throw Object.assign(
    new Error(`it knows the request ${name} in the versions ${minVersion} to ${maxVersion}, not ${version}`),
    { type: "UNSUPPORTED_VERSION" },
  );
}

/** Keeps a connection of kafkajs from copying each answer to join it to the nothing that was left of the one before. */
function takeWhole(connection: KafkajsConnection): void {
  const take = connection.processData;
  connection.processData = (answer) => {
    Object.assign(connection, { chunks: [], bytesBuffered: 0 });
    take.call(connection, answer);
  };
}
