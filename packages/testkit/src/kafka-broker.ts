import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { temporaryFolder } from "./surroundings.ts";

const service = join(import.meta.dirname, "../../../tools/services/kafka/main.ts");

/** An Apache Kafka broker of one test file; disposing stops it and removes its data. */
export interface KafkaBroker extends AsyncDisposable {
  /** `host:port`; stays the same when it is started again. */
  readonly address: string;
  /** Ends its process at once, as a machine fails. */
  kill(): Promise<void>;
  /** Starts it again on the same data, and waits until it answers. */
  start(): Promise<void>;
}

/** Starts a broker of its own on this machine; `properties` are lines for its server.properties. */
export async function kafkaBroker(properties: Readonly<Record<string, string>> = {}): Promise<KafkaBroker> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  const own = ["--data", folder.path];
  const start = async (): Promise<string> => {
    const lines = Object.entries(properties).flatMap(([name, value]) => ["--set", `${name}=${value}`]);
    return (await call("start", ...own, ...lines)).trim();
  };
  const address = await start();
  stack.defer(async () => void (await call("stop", ...own)));
  const ending = stack.move();
  return {
    address,
    kill: async () => void (await call("stop", ...own, "--kill")),
    start: async () => void (await start()),
    [Symbol.asyncDispose]: () => ending.disposeAsync(),
  };
}

async function call(...args: string[]): Promise<string> {
  try {
    return (await promisify(execFile)(process.execPath, [service, ...args])).stdout;
  } catch (thrown) {
    const { stderr, message } = thrown as { stderr?: string; message: string };
    throw new Error(stderr?.trim() ?? message, { cause: thrown });
  }
}
