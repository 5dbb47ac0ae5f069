import { type Connection, type ConnectionDeclaration, secretField } from "@sferic/operator";
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
export interface Settings {
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

/** The connection's brokers, for messages. */
export function brokersOf({ config }: Connection): string {
  return (config as Settings).brokers.join(", ");
}
