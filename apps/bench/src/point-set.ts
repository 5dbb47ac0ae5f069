import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "./commands.ts";
import { peer, workDirectory } from "./places.ts";

/** The file with `rows` points (see peers/cluster.py) and, beside it, their labels; made if need be. */
export async function pointSet(rows: number): Promise<string> {
  const file = join(workDirectory, "points", `${rows}.f64`);
  await mkdir(join(workDirectory, "points"), { recursive: true });
  await runCommand(peer("cluster", "make", file, String(rows)));
  return file;
}
