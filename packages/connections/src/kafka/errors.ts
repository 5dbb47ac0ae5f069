import { type Connection, type ErrorData, OperatorError } from "@sferic/operator";
import { brokersOf } from "../kafka.ts";

/** What was done, for messages. */
export interface Attempt {
  readonly connection: Connection;
  readonly topic: string;
}

/** The part of the client's errors that tells them apart. */
interface ClientError extends Error {
  /** Name of the error in Kafka's protocol. */
  readonly type?: string;
  readonly errors?: readonly ClientError[];
  readonly cause?: ClientError;
  readonly originalError?: ClientError;
}

/** What the client threw as an {@link OperatorError} that says what to do. */
export function kafkaError(thrown: unknown, attempt: Attempt): OperatorError {
  if (thrown instanceof OperatorError) return thrown;
  const all = causesOf(thrown as ClientError);
  const data = all.map((error) => dataOf(error, attempt)).find((found) => found !== undefined);
  const message = `Kafka refused: ${all.at(-1)!.message} (topic "${attempt.topic}").`;
  return new OperatorError(data ?? { code: "kafka-failed", message, domain: "external", retry: "backoff" }, {
    cause: thrown,
  });
}

/** An error and what it was caused by, outermost first. */
function causesOf(error: ClientError): ClientError[] {
  const inner = [error.cause, error.originalError, ...(error.errors ?? [])].filter((one) => one instanceof Error);
  return [error, ...inner.flatMap((one) => (one === error ? [] : causesOf(one)))];
}

function dataOf(error: ClientError, { connection, topic }: Attempt): ErrorData | undefined {
  const { name } = connection;
  const external = { domain: "external", retry: "never" } as const;
  switch (error.type ?? error.name) {
    case "UNKNOWN_TOPIC_OR_PARTITION":
      return { ...external, code: "unknown-topic", message: unknownTopic({ connection, topic }) };
    case "TOPIC_AUTHORIZATION_FAILED":
    case "CLUSTER_AUTHORIZATION_FAILED":
      return {
        ...external,
        code: "not-authorized",
        message: `The user of the connection "${name}" may not do that: ${error.message} (topic "${topic}"). Reading needs the permissions Describe and Read on the topic, writing Describe and Write, and "createTopic" needs Create.`,
      };
    case "KafkaJSSASLAuthenticationError":
      return {
        ...external,
        code: "not-authenticated",
        message: `The brokers ${brokersOf(connection)} refuse the login: ${error.message}. Check "sasl" of the connection "${name}".`,
      };
    case "KafkaJSNotImplemented":
      return {
        ...external,
        code: "unsupported-compression",
        message: `The reader "kafkajs" cannot unpack the messages of the topic "${topic}": ${error.message}. Use the reader "raw".`,
      };
    case "INVALID_REPLICATION_FACTOR":
      return {
        ...external,
        code: "invalid-topic",
        message: `The topic "${topic}" cannot be created: there are fewer brokers than "createTopic/replicas" says.`,
      };
    case "KafkaJSConnectionError":
    case "KafkaJSConnectionClosedError":
    case "KafkaJSRequestTimeoutError":
    case "KafkaJSBrokerNotFound":
      return {
        code: "no-broker",
        message: `No Kafka broker answers at ${brokersOf(connection)}: ${error.message}. Start it, or correct "brokers", "tls" or "sasl" of the connection "${name}".`,
        domain: "external",
        retry: "backoff",
      };
    default:
      return undefined;
  }
}

/** Words for a topic that is not there. */
export function unknownTopic({ connection, topic }: Attempt): string {
  return `There is no topic "${topic}" at ${brokersOf(connection)}. Create it, let this user see it, or have the sink create it: "createTopic": { "partitions": 4 }.`;
}
