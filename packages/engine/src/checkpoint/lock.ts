import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { rename } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { OperatorError } from "@sferic/operator";
import { createDurably, remove, textOf } from "./durable-files.ts";

/** Who runs on a checkpoint. */
export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  /** ISO 8601, when the lock was taken. */
  readonly started: string;
  /** Start time of the process in clock ticks since boot, where the system tells; tells a reused pid apart. */
  readonly processStart: string | null;
  /** Counts takeovers: a larger number fences off every smaller one. */
  readonly fencingEpoch: number;
}

/**
 * Takes the lock of a checkpoint folder, from a dead holder too; returns what lets go of it.
 * Throws `checkpoint-locked`, naming the holder, while another process lives on it.
 */
export async function acquireLock(directory: string): Promise<() => Promise<void>> {
  const path = join(directory, "LOCK");
  const fencingEpoch = await clearDeadHolder(path);
  const own: LockHolder = {
    pid: process.pid,
    host: hostname(),
    started: new Date().toISOString(),
    processStart: processStart(process.pid),
    fencingEpoch,
  };
  try {
    await createDurably(path, JSON.stringify(own));
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== "EEXIST") throw thrown;
    throw lockedBy(path, parseHolder(await textOf(path)));
  }
  return () => remove(path);
}

/** Moves a dead holder's lock away; returns the next fencing epoch. */
async function clearDeadHolder(path: string): Promise<number> {
  const text = await textOf(path);
  if (text === null) return 1;
  const holder = parseHolder(text);
  if (holder !== null && isAlive(holder)) throw lockedBy(path, holder);
  const aside = `${path}.dead-${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return (holder?.fencingEpoch ?? 0) + 1;
    throw thrown;
  }
  const moved = await textOf(aside);
  if (moved !== text && moved !== null) {
    // Between reading and renaming another process took over: what was moved is its living lock.
    await createDurably(path, moved);
    await remove(aside);
    throw lockedBy(path, parseHolder(moved));
  }
  await remove(aside);
  return (holder?.fencingEpoch ?? 0) + 1;
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
  if (holder.pid === process.pid) return holder.processStart === processStart(process.pid);
  try {
    process.kill(holder.pid, 0);
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === "EPERM";
  }
  const start = processStart(holder.pid);
  return start !== null ? holder.processStart === null || start === holder.processStart : !hasProcessTable();
}

/** Start time from /proc, null for a process that is gone or only waits to be reaped, or where there is no /proc. */
function processStart(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

function hasProcessTable(): boolean {
  return processStart(process.pid) !== null;
}

function lockedBy(path: string, holder: LockHolder | null): OperatorError {
  const who = holder === null ? "another run" : `process ${holder.pid} on ${holder.host}, since ${holder.started}`;
  const message = `The checkpoint is in use by ${who}. Stop that run, or give this one a checkpoint of its own.`;
  return new OperatorError({ code: "checkpoint-locked", message, details: { path, holder } });
}
