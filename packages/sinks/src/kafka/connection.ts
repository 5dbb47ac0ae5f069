import { zstdCompress, zstdDecompress } from "node:zlib";
import { promisify } from "node:util";
import { type Connection, type ConnectionDeclaration, secretField } from "@sferic/operator";
import kafkajs, { type Kafka, type RetryOptions } from "kafkajs";
import { z } from "zod";

const secret = (words: string): z.ZodType => secretField.describe(words);

/** The fields of a connection of the type `kafka`. */
export const kafkaConnection: ConnectionDeclaration = {
  type: "kafka",
  config: z.strictObject({
    brokers: z
      .array(z.string().regex(/^[^\s,/]+:\d+$/, 'must be a host and a port, such as "127.0.0.1:9092"'))
      .min(1)
      .describe("Brokers to begin with, as `host:port`; they name the others."),
    clientId: z.string().min(1).default("sferic").describe("Name that the brokers see in logs and quotas."),
    tls: z
      .union([
        z.boolean(),
        z.strictObject({
          ca: secret("Certificates to trust, as PEM.").optional(),
          certificate: secret("Certificate of this client, as PEM.").optional(),
          privateKey: secret("Private key of this client, as PEM.").optional(),
          serverName: z.string().optional().describe("Name in the broker's certificate, if not its host."),
        }),
      ])
      .default(false)
      .describe("`true` for TLS with the certificates that the system trusts, or an object that says which."),
    sasl: z
      .strictObject({
        mechanism: z.enum(["plain", "scram-sha-256", "scram-sha-512"]).describe("How the client proves who it is."),
        username: z.string().describe("Name of the user."),
        password: secret("Password of the user."),
      })
      .optional()
      .describe("User that the client logs in as; none when left out."),
  }),
};

/** {@link kafkaConnection} with the secrets in their places. */
interface Settings {
  readonly brokers: string[];
  readonly clientId: string;
  readonly tls:
    | boolean
    | {
        readonly ca?: string;
        readonly certificate?: string;
        readonly privateKey?: string;
        readonly serverName?: string;
      };
  readonly sasl?: {
    readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
    readonly username: string;
    readonly password: string;
  };
}

/** Codecs of kafkajs that need no other package: gzip is its own, zstd is Node's. */
kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = () => ({
  compress: ({ buffer }: { buffer: Buffer }) => promisify(zstdCompress)(buffer),
  decompress: promisify(zstdDecompress),
});

/**
 * A client for the connection's brokers. Connects to none yet, and logs nothing: what goes wrong is thrown, after so many
 * attempts as `retry` says.
 */
export function kafkaClient({ config }: Connection, retry: RetryOptions): Kafka {
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
  return new kafkajs.Kafka({
    brokers,
    clientId,
    ssl,
    ...(sasl === undefined ? {} : { sasl: sasl as never }),
    retry,
    logLevel: kafkajs.logLevel.NOTHING,
  });
}

/** The connection's brokers, for messages. */
export function brokersOf({ config }: Connection): string {
  return (config as Settings).brokers.join(", ");
}
