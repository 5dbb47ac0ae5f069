import { type ChildProcess, fork } from "node:child_process";
import { getCompileCacheDir } from "node:module";
import { fileURLToPath } from "node:url";
import type { ProtocolPoint } from "@sferic/engine";

/** What the process that is to be killed tells its parent. */
export type VictimMessage =
  | { readonly type: "started" }
  | { readonly type: "point"; readonly point: ProtocolPoint; readonly operatorId: string | undefined }
  | { readonly type: "done"; readonly epochs: number; readonly rows: Readonly<Record<string, number>> }
  | { readonly type: "failed"; readonly code: string; readonly message: string };

/** A step of the checkpoint protocol; of one sink, where each has its own. */
export interface Step {
  readonly point: ProtocolPoint;
  readonly operatorId: string | undefined;
}

/** When a process is killed: by itself at a step of an epoch, or from outside so long after its run began. */
export type Kill = { readonly epoch: number; readonly step: Step } | { readonly afterMs: number };

/** How a process ended. */
export interface Ending {
  readonly killed: boolean;
  /** Why it failed, when it did. */
  readonly failure: { readonly code: string; readonly message: string } | null;
  /** Epochs it ran to their end; 0 when it was killed or failed. */
  readonly epochs: number;
  /** Rows that each sink was given, of a run that came to its end. */
  readonly rows: Readonly<Record<string, number>>;
  /** Milliseconds from the beginning of its run to its end. */
  readonly ranMs: number;
  /** The steps it came by, each once; none when it was to be killed at one. */
  readonly steps: readonly Step[];
}

/** Variable that hands a victim the values of its parameters as JSON: secrets among them are in no file. */
export const parametersVariable = "SFERIC_VICTIM_PARAMETERS";

/** Runs the isolated spec in this file in a process of its own, and kills that with SIGKILL when it is to be killed. */
export async function runVictim(
  path: string,
  kill: Kill | null,
  parameters: Readonly<Record<string, string>>,
): Promise<Ending> {
  const child = start(path, kill, parameters);
  const steps = new Map<string, Step>();
  let failure: Ending["failure"] = null;
  let done = { epochs: 0, rows: {} as Readonly<Record<string, number>> };
  let started = performance.now();
  let timer: NodeJS.Timeout | undefined;
  let stderr = "";
  child.stderr!.on("data", (data) => (stderr += String(data)));
  child.on("message", (message: VictimMessage) => {
    if (message.type === "started") {
      started = performance.now();
      if (kill !== null && "afterMs" in kill) timer = setTimeout(() => child.kill("SIGKILL"), kill.afterMs);
    } else if (message.type === "point") {
      steps.set(`${message.point} ${message.operatorId}`, { point: message.point, operatorId: message.operatorId });
    } else if (message.type === "done") done = message;
    else failure = message;
  });
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (...ending) => resolve(ending));
  });
  clearTimeout(timer);
  const killed = signal === "SIGKILL";
  if (!killed && failure === null && code !== 0) {
    failure = { code: "crashed", message: `The process ended with ${signal ?? code}. ${stderr.trim()}`.trim() };
  }
  const { epochs, rows } = done;
  return { killed, failure, epochs, rows, ranMs: performance.now() - started, steps: [...steps.values()] };
}

function start(path: string, kill: Kill | null, parameters: Readonly<Record<string, string>>): ChildProcess {
  const isSource = import.meta.filename.endsWith(".ts");
  const program = fileURLToPath(new URL(isSource ? "victim-child.ts" : "victim-child.js", import.meta.url));
  const at = kill !== null && "step" in kill ? [kill.epoch, kill.step.point, kill.step.operatorId ?? []].flat() : [];
  const cache = getCompileCacheDir();
  return fork(program, [path, ...at.map(String)], {
    execArgv: isSource ? ["--conditions=@sferic/source", "--disable-warning=ExperimentalWarning"] : [],
    env: {
      ...process.env,
      [parametersVariable]: JSON.stringify(parameters),
      ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }),
    },
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
}
