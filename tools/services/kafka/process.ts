/** Looks at processes that are not children of this one. */
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

/**
 * Whether a process of this id runs and has `text` in its command. A process that has ended but is still listed does not
 * run; an id that went to another process has another command.
 */
export async function runs(pid: number, text: string): Promise<boolean> {
  const { state, command, threads } = await look(pid);
  if (state.startsWith("Z")) return threads > 1;
  return state !== "" && !state.startsWith("X") && command.includes(text);
}

/** Waits until the process has ended; false when it still runs after `ms` milliseconds. */
export async function ends(pid: number, text: string, ms: number): Promise<boolean> {
  const until = Date.now() + ms;
  while (await runs(pid, text)) {
    if (Date.now() > until) return false;
    await sleep(20);
  }
  return true;
}

interface Look {
  readonly state: string;
  readonly command: string;
  /** Of one that is ending, threads that still are: as long as they are, so are its files and ports. */
  readonly threads: number;
}

async function look(pid: number): Promise<Look> {
  if (process.platform !== "linux") {
    const { stdout } = await promisify(execFile)("ps", ["-o", "state=,command=", "-p", String(pid)]).catch(() => ({
      stdout: "",
    }));
    return { state: stdout.trim(), command: stdout, threads: 0 };
  }
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8");
    const { length } = await readdir(`/proc/${pid}/task`);
    // The name of the program, in parentheses, may hold anything.
    return { state: stat.slice(stat.lastIndexOf(")") + 2), command, threads: length };
  } catch {
    return { state: "", command: "", threads: 0 };
  }
}
