import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { root, workDirectory } from "./places.ts";
import type { Plan } from "./scenario.ts";

const service = join(root, "tools/services/kafka/main.ts");

/**
 * The plan of a scenario that needs a broker: it is started without data, `make` is given its address, and it is stopped and
 * its data removed when the contenders have ended.
 */
export async function planWithBroker(
  name: string,
  make: (address: string) => Promise<Omit<Plan, "end">>,
): Promise<Plan> {
  const folder = join(workDirectory, name);
  const call = async (verb: string): Promise<string> =>
    (await promisify(execFile)(process.execPath, [service, verb, "--data", folder])).stdout.trim();
  const end = async (): Promise<void> => {
    await call("stop");
    await rm(folder, { recursive: true, force: true });
  };
  await end();
  const address = await call("start");
  try {
    return { ...(await make(address)), end };
  } catch (thrown) {
    await end();
    throw thrown;
  }
}
