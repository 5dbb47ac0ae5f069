import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { truncate } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { OperatorError } from "@sferic/operator";
import { createDurably, makeDirectory, namesIn, remove, textOf } from "@sferic/operator/durable-files";

/** Who runs on a checkpoint. */
export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  /** ISO 8601, when the lock was taken. */
  readonly started: string;
  /** Boot of the machine and start of the process in clock ticks since, where the system tells; tells a reused pid apart. */
  readonly processStart: string | null;
  /** Counts holders: a larger number fences off every smaller one. */
  readonly fencingEpoch: number;
}

/** The claim with the largest number; `holder` is null when it was let go or cannot be read. */
interface Claim {
  readonly number: number;
  readonly holder: LockHolder | null;
}

/**
 * Takes the lock of a checkpoint folder, from a dead holder too; returns what lets go of it.
 * Throws `checkpoint-locked`, naming the holder, while another run lives on it.
 *
 * A claim is a file `LOCK/<number>`, created only if it is not there; the largest number holds the lock. A number is never
 * used twice and the largest is never removed, so of any number of takers, however late one of them wakes up, one wins.
 */
export async function acquireLock(directory: string): Promise<() => Promise<void>> {
  const folder = join(directory, "LOCK");
  await makeDirectory(folder);
  const before = await newestClaim(folder);
  if (before.holder !== null && isAlive(before.holder)) throw lockedBy(folder, before.holder);
  const own: LockHolder = {
    pid: process.pid,
    host: hostname(),
    started: new Date().toISOString(),
    processStart: processStart(process.pid),
    fencingEpoch: before.number + 1,
  };
  const path = claimPath(folder, own.fencingEpoch);
  try {
    await createDurably(path, JSON.stringify(own), { temporary: `${path}.tmp-${randomUUID()}` });
    await removeOlder(folder, own.fencingEpoch);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "EEXIST") throw lockedBy(folder, (await newestClaim(folder)).holder);
    await letGo(path);
    throw thrown;
  }
  return () => letGo(path);
}

/** The run that holds the lock of a checkpoint folder at the moment, or null. Changes nothing. */
export async function liveHolder(directory: string): Promise<LockHolder | null> {
  const { holder } = await newestClaim(join(directory, "LOCK"));
  return holder !== null && isAlive(holder) ? holder : null;
}

/** Removes the claims of earlier holders. Fails when there is a later one: then this claim came too late. */
async function removeOlder(folder: string, own: number): Promise<void> {
  const newest = await newestClaim(folder);
  if (newest.number > own) throw lockedBy(folder, newest.holder);
  for (const number of await claims(folder)) if (number < own) await remove(claimPath(folder, number));
}

/** Empties the claim, which needs no room on the disk. Its number stays taken. */
async function letGo(path: string): Promise<void> {
  await truncate(path).catch(() => remove(path));
}

async function claims(folder: string): Promise<number[]> {
  return (await namesIn(folder)).filter((name) => /^\d{10}$/.test(name)).map(Number);
}

async function newestClaim(folder: string): Promise<Claim> {
  const number = Math.max(0, ...(await claims(folder)));
  return { number, holder: parseHolder(await textOf(claimPath(folder, number))) };
}

function claimPath(folder: string, number: number): string {
  return join(folder, String(number).padStart(10, "0"));
}

function parseHolder(text: string | null): LockHolder | null {
  try {
    const holder = JSON.parse(text ?? "") as LockHolder;
    return typeof holder.pid === "number" ? holder : null;
  } catch {
    return null;
  }
}

/** Another host's process cannot be seen from here, so it counts as alive. */
function isAlive(holder: LockHolder): boolean {
  if (holder.host !== hostname()) return true;
  try {
    process.kill(holder.pid, 0);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  const start = processStart(holder.pid);
  if (start === null) return processStart(process.pid) === null;
  return holder.processStart === null || start === holder.processStart;
}

/** From /proc; null for a process that is gone or only waits to be reaped, or where there is no /proc. */
function processStart(pid: number): string | null {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? null : `${boot} ${fields[19]}`;
  } catch {
    return null;
  }
}

function lockedBy(path: string, holder: LockHolder | null): OperatorError {
  const who = holder === null ? "another run" : `process ${holder.pid} on ${holder.host}, since ${holder.started}`;
  const message = `The checkpoint is in use by ${who}. Stop that run, or give this one a checkpoint of its own.`;
  return new OperatorError({ code: "checkpoint-locked", message, details: { path, holder } });
}
