import { createRequire } from "node:module";
import { promisify } from "node:util";
import { zstdCompress, zstdDecompress } from "node:zlib";
import type { Connection } from "@sferic/operator";
import kafkajs, { type ISocketFactory, type Kafka, type RetryOptions } from "kafkajs";
import type { Settings } from "../kafka.ts";
import { answerSocket } from "./answer-socket.ts";

/** Codecs of kafkajs that need no other package: gzip is its own, zstd is Node's. */
kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = () => ({
  compress: ({ buffer }: { buffer: Buffer }) => promisify(zstdCompress)(buffer),
  decompress: promisify(zstdDecompress),
});

interface RequestQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
}

const { prototype: queue } = createRequire(import.meta.url)("kafkajs/src/network/requestQueue") as {
  readonly prototype: RequestQueue;
};
const schedule = queue.scheduleCheckPendingRequests;
// Otherwise it looks every millisecond, for as long as it lives, whether requests wait that do not, and Node warns of it.
queue.scheduleCheckPendingRequests = function (this: RequestQueue) {
  if (this.pending.length > 0) schedule.call(this);
};

/** What kafkajs wants to know of a connection. */
export function clientSettings({ config }: Connection): {
  readonly brokers: string[];
  readonly clientId: string;
  readonly ssl: boolean | object;
  readonly sasl?: never;
  readonly socketFactory: ISocketFactory;
} {
  const { brokers, clientId, tls, sasl } = config as Settings;
  const ssl =
    typeof tls === "boolean"
      ? tls
      : {
          ...(tls.ca === undefined ? {} : { ca: tls.ca }),
          ...(tls.certificate === undefined ? {} : { cert: tls.certificate }),
          ...(tls.privateKey === undefined ? {} : { key: tls.privateKey }),
          ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
        };
  const login = sasl === undefined ? {} : { sasl: sasl as never };
  return { brokers, clientId, ssl, ...login, socketFactory: answerSocket };
}

/**
 * A client for the connection's brokers. Connects to none yet, and logs nothing: what goes wrong is thrown, after so many
 * attempts as `retry` says.
 */
export function kafkaClient(connection: Connection, retry: RetryOptions): Kafka {
  return new kafkajs.Kafka({ ...clientSettings(connection), retry, logLevel: kafkajs.logLevel.NOTHING });
}
