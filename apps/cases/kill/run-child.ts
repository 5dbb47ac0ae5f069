import { spawn } from "node:child_process";
import { join } from "node:path";
import type { RunResult } from "@sferic/engine";

/** How a child process ended. */
export interface Ending {
  readonly killed: boolean;
  readonly code: number | null;
  readonly stderr: string;
  /** Null when it was killed first. */
  readonly result: RunResult | null;
}

/** How a child process is started. */
export interface ChildOptions {
  readonly killAfterMs?: number | undefined;
  /** The user it runs as, for which this one must be root. */
  readonly uid?: number | undefined;
  /** Another program than child.ts, by its path from there. */
  readonly program?: "replay-child.ts" | "compact-child.ts" | "../streams/golden-child.ts";
}

/** Runs child.ts; kills it after `killAfterMs` when given. */
export function runChild(args: readonly string[], { killAfterMs, uid, program }: ChildOptions = {}): Promise<Ending> {
  const child = spawn(
    process.execPath,
    ["--conditions=@sferic/source", join(import.meta.dirname, program ?? "child.ts"), ...args],
    { stdio: ["ignore", "pipe", "pipe"], ...(uid === undefined ? {} : { uid, gid: uid }) },
  );
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data) => (stdout += String(data)));
  child.stderr.on("data", (data) => (stderr += String(data)));
  const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), killAfterMs);
  return new Promise((resolve) => {
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const result = stdout === "" ? null : (JSON.parse(stdout) as RunResult);
      resolve({ killed: signal === "SIGKILL", code, stderr, result });
    });
  });
}
