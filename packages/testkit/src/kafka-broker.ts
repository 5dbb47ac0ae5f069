import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { temporaryFolder } from "./surroundings.ts";

const service = join(import.meta.dirname, "../../../tools/services/kafka/main.ts");

/** An Apache Kafka broker of one test file; disposing stops it and removes its data. */
export interface KafkaBroker extends AsyncDisposable {
  /** `host:port`; stays the same when it is started again. */
  readonly address: string;
  /** Its data folder. */
  readonly folder: string;
  /** Ends its process at once, as a machine fails. */
  kill(): Promise<void>;
  /** Starts it again on the same data, and waits until it answers. */
  start(): Promise<void>;
}

/**
 * Starts a broker of its own on this machine; `properties` are lines for its server.properties, and `cluster` is a broker
 * that runs, whose cluster it joins.
 */
export async function kafkaBroker(
  properties: Readonly<Record<string, string>> = {},
  cluster?: KafkaBroker,
): Promise<KafkaBroker> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  const own = ["--data", folder.path];
  const start = async (): Promise<string> => {
    const lines = Object.entries(properties).flatMap(([name, value]) => ["--set", `${name}=${value}`]);
    const join = cluster === undefined ? [] : ["--join", cluster.folder];
    return (await call("start", ...own, ...join, ...lines)).trim();
  };
  const address = await start();
  stack.defer(async () => void (await call("stop", ...own)));
  const ending = stack.move();
  return {
    address,
    folder: folder.path,
    kill: async () => void (await call("stop", ...own, "--kill")),
    start: async () => void (await start()),
    [Symbol.asyncDispose]: () => ending.disposeAsync(),
  };
}

/** Brokers of one cluster, of which the first, number 1, also is its controller. Disposing stops them and removes their data. */
export interface KafkaCluster extends AsyncDisposable {
  readonly brokers: readonly KafkaBroker[];
}

/** Starts the brokers 1, 2 and 3 of a cluster. Three seconds after one was killed others lead what it led. */
export async function kafkaCluster(): Promise<KafkaCluster> {
  await using stack = new AsyncDisposableStack();
  // Groups of readers live on as well.
  const replicated = { "offsets.topic.replication.factor": "3" };
  const first = stack.use(await kafkaBroker(replicated));
  const others = await Promise.all(["2", "3"].map((id) => kafkaBroker({ ...replicated, "node.id": id }, first)));
  for (const broker of others) stack.use(broker);
  const ending = stack.move();
  return { brokers: [first, ...others], [Symbol.asyncDispose]: () => ending.disposeAsync() };
}

async function call(...args: string[]): Promise<string> {
  try {
    return (await promisify(execFile)(process.execPath, [service, ...args])).stdout;
  } catch (thrown) {
    const { stderr, message } = thrown as { stderr?: string; message: string };
    throw new Error(stderr?.trim() ?? message, { cause: thrown });
  }
}
