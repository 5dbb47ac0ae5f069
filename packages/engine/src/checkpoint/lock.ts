import { randomUUID } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { open, statfs, truncate, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { type FileLock, lockFile } from "@sferic/bindings/file-lock";
import { OperatorError } from "@sferic/operator";
import { createDurably, makeDirectory, namesIn, remove, sizeOf, textOf } from "@sferic/operator/durable-files";

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
  /** Namespace that the pid is of, where the system tells; absent in claims of earlier versions. */
  readonly pidNamespace?: string | null;
  /**
   * How others find out that the holder is gone. `file`: the system frees a lock on the file `held`. `lease`: the holder
   * stops to write its heartbeat. Absent in claims of earlier versions: only a process on the same host can find out.
   */
  readonly ends?: "file" | "lease";
}

/** How locks work on a file system; what is absent is found out. */
export interface LockSettings {
  /** Whether other machines may see the folder, so that locks on files may not reach all of them. */
  readonly isShared?: boolean;
  /** Whether to do without locks on files. */
  readonly isWithoutFileLocks?: boolean;
  /** Time from one heartbeat to the next. Default 10 s. */
  readonly heartbeatMs?: number;
  /** A lease whose heartbeat is not seen to change for that long has ended; the watcher's clock alone counts. Default 30 s. */
  readonly leaseMs?: number;
}

/** A lock that this process holds. */
export interface CheckpointLock {
  readonly fencingEpoch: number;
  /** Throws `checkpoint-locked` once another holder has taken over, as after a pause longer than a lease. */
  requireHeld(): Promise<void>;
  release(): Promise<void>;
  /** As `release`, of a folder that has moved: nothing is done to what has its name by now. */
  releaseMoved(): void;
}

/** The claim with the largest number; `holder` is null when it was released or cannot be read. */
interface Claim {
  readonly number: number;
  readonly holder: LockHolder | null;
}

const usualHeartbeatMs = 10_000;
const usualLeaseMs = 30_000;

/** How often, and how far apart, a lock on the file is tried while nobody is known to hold it: somebody may be looking. */
const attempts = 10;
const attemptMs = 20;

/**
 * Takes the lock of a checkpoint folder, from a dead holder too. Throws `checkpoint-locked`, naming the holder, while
 * another run lives on it, or may do so where that cannot be seen from here.
 *
 * A claim is a file `LOCK/<number>`, created only if it is not there; the largest number holds the lock. A number is never
 * used twice and the largest is never removed, so of any number of takers, however late one of them wakes up, one wins.
 * Besides, the holder locks the file `LOCK/held`, which the system frees when it dies, in whatever container; and where
 * other machines may see the folder, or there are no such locks, it writes a heartbeat `LOCK/<number>.beat`.
 */
export async function acquireLock(directory: string, settings: LockSettings = {}): Promise<CheckpointLock> {
  const folder = join(directory, "LOCK");
  await makeDirectory(folder);
  const file = await lockHeld(folder, settings);
  const isLease = file === null || (await isShared(folder, settings));
  try {
    const before = await newestClaim(folder);
    const isOver = before.holder?.ends === "file" && !isLease;
    if (!isOver && (await isAlive(folder, before, settings))) throw lockedBy(folder, before.holder);
    const own = await claim(folder, before.number + 1, isLease ? "lease" : "file");
    const heartbeat = isLease ? startHeartbeat(folder, own.fencingEpoch, settings) : undefined;
    return heldLock(folder, own.fencingEpoch, file, heartbeat);
  } catch (thrown) {
    file?.release();
    throw thrown;
  }
}

/** The run that holds the lock of a checkpoint folder at the moment, or may hold it, or null. Changes nothing. */
export async function liveHolder(directory: string): Promise<LockHolder | null> {
  const folder = join(directory, "LOCK");
  const { holder } = await newestClaim(folder);
  if (holder === null) return null;
  const isSeen = isSeenAlive(holder);
  if (isSeen !== undefined) return isSeen ? holder : null;
  if (holder.ends !== "file") return holder;
  const file = await lockFile(heldPath(folder)).catch(() => "held" as const);
  if (typeof file === "string") return holder;
  file.release();
  return null;
}

/**
 * Frees a checkpoint folder from a holder that is gone but cannot be seen to be, if `apply` says so; the holder is fenced
 * off, should it live after all. Resolves to the holder, or null when the checkpoint was free. Takes up to a lease where
 * the holder keeps one. Throws `checkpoint-locked` when the holder lives.
 */
export async function unlockFolder(
  directory: string,
  apply: boolean,
  settings: LockSettings = {},
): Promise<LockHolder | null> {
  const folder = join(directory, "LOCK");
  const before = await newestClaim(folder);
  if (before.holder === null) return null;
  const isFound = isSeenAlive(before.holder) ?? (await isBeating(folder, before, settings));
  if (isFound) throw lockedBy(folder, before.holder);
  const file = await lockFile(heldPath(folder)).catch(() => "unsupported" as const);
  try {
    // Where machines share a folder, a lock may outlive the machine that took it.
    const isStale = file === "held" && (await isShared(folder, settings));
    if (file === "held" && !isStale) throw lockedBy(folder, before.holder);
    if (!apply) return before.holder;
    if (isStale) await remove(heldPath(folder));
    const path = claimPath(folder, before.number + 1);
    await createDurably(path, "", { temporary: `${path}.tmp-${randomUUID()}` });
    await removeOlder(folder, before.number + 1);
    return before.holder;
  } finally {
    if (typeof file === "object") file.release();
  }
}

/** Locks the file `held`; null where there are no such locks. Throws `checkpoint-locked`. */
async function lockHeld(folder: string, { isWithoutFileLocks = false }: LockSettings): Promise<FileLock | null> {
  if (isWithoutFileLocks) return null;
  const path = heldPath(folder);
  for (let attempt = 1; ; attempt++) {
    await (await open(path, "a")).close();
    const file = await lockFile(path);
    if (file === "unsupported") return null;
    if (file !== "held") return file;
    const { holder } = await newestClaim(folder);
    // Somebody looks whether it is locked, or has locked it and is about to write the claim.
    const isNamed = holder !== null && isSeenAlive(holder) === true;
    if (isNamed || attempt === attempts) throw lockedBy(folder, holder);
    await setTimeout(attemptMs);
  }
}

/** Writes the claim and removes those of earlier holders. Throws `checkpoint-locked` when another taker was first. */
async function claim(folder: string, number: number, ends: "file" | "lease"): Promise<LockHolder> {
  const own: LockHolder = {
    pid: process.pid,
    host: hostname(),
    started: new Date().toISOString(),
    processStart: processStart(process.pid),
    fencingEpoch: number,
    pidNamespace: pidNamespace(),
    ends,
  };
  const path = claimPath(folder, number);
  try {
    await createDurably(path, JSON.stringify(own), { temporary: `${path}.tmp-${randomUUID()}` });
    await removeOlder(folder, number);
    return own;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "EEXIST") throw lockedBy(folder, (await newestClaim(folder)).holder);
    await empty(path);
    throw thrown;
  }
}

function heldLock(
  folder: string,
  fencingEpoch: number,
  file: FileLock | null,
  heartbeat: NodeJS.Timeout | undefined,
): CheckpointLock {
  const releaseMoved = (): void => {
    clearInterval(heartbeat);
    file?.release();
  };
  return {
    fencingEpoch,
    releaseMoved,
    requireHeld: async () => {
      // Whoever takes over claims the next number.
      if ((await sizeOf(claimPath(folder, fencingEpoch + 1))) !== null) throw await takenOver(folder);
    },
    release: async () => {
      clearInterval(heartbeat);
      try {
        await empty(claimPath(folder, fencingEpoch));
      } finally {
        releaseMoved();
      }
    },
  };
}

/** Removes the claims of earlier holders. Fails when there is a later one: then this claim came too late. */
async function removeOlder(folder: string, own: number): Promise<void> {
  const newest = await newestClaim(folder);
  if (newest.number > own) throw lockedBy(folder, newest.holder);
  for (const name of await namesIn(folder)) {
    const found = /^(\d{10})(\.beat)?$/.exec(name);
    if (found !== null && Number(found[1]) < own) await remove(join(folder, name));
  }
}

/** Empties the claim, which needs no room on the disk. Its number stays taken. */
async function empty(path: string): Promise<void> {
  await truncate(path).catch(() => remove(path));
}

async function newestClaim(folder: string): Promise<Claim> {
  const numbers = (await namesIn(folder)).filter((name) => /^\d{10}$/.test(name)).map(Number);
  const number = Math.max(0, ...numbers);
  return { number, holder: parseHolder(await textOf(claimPath(folder, number))) };
}

function claimPath(folder: string, number: number): string {
  return join(folder, String(number).padStart(10, "0"));
}

function beatPath(folder: string, number: number): string {
  return `${claimPath(folder, number)}.beat`;
}

function heldPath(folder: string): string {
  return join(folder, "held");
}

function parseHolder(text: string | null): LockHolder | null {
  try {
    const holder = JSON.parse(text ?? "") as LockHolder;
    return typeof holder.pid === "number" ? holder : null;
  } catch {
    return null;
  }
}

/** Whether a holder lives, as far as can be found out; if it cannot be, it counts as alive. */
async function isAlive(folder: string, found: Claim, settings: LockSettings): Promise<boolean> {
  if (found.holder === null) return false;
  const isSeen = isSeenAlive(found.holder);
  if (isSeen !== undefined) return isSeen;
  return found.holder.ends !== "lease" || (await isBeating(folder, found, settings));
}

/** Whether the process of a holder lives; undefined when it cannot be seen from here. */
function isSeenAlive(holder: LockHolder): boolean | undefined {
  if (holder.host !== hostname()) return undefined;
  const isOld = holder.ends === undefined;
  if (!isOld && (holder.pidNamespace !== pidNamespace() || bootOf(holder.processStart) !== bootOf(ownStart())))
    return undefined;
  try {
    process.kill(holder.pid, 0);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  const start = processStart(holder.pid);
  if (start === null) return ownStart() === null;
  return holder.processStart === null || start === holder.processStart;
}

/** Watches the heartbeat of a lease for as long as it may last: no clock but this process's own counts. */
async function isBeating(folder: string, { number, holder }: Claim, settings: LockSettings): Promise<boolean> {
  if (holder?.ends !== "lease") return false;
  const { leaseMs = usualLeaseMs } = settings;
  const first = await textOf(beatPath(folder, number));
  const until = performance.now() + leaseMs;
  while (performance.now() < until) {
    await setTimeout(Math.min(leaseMs / 10, 1000));
    if ((await textOf(beatPath(folder, number))) !== first) return true;
  }
  return false;
}

function startHeartbeat(
  folder: string,
  number: number,
  { heartbeatMs = usualHeartbeatMs }: LockSettings,
): NodeJS.Timeout {
  const path = beatPath(folder, number);
  let count = 0;
  // A beat that cannot be written is one beat less; a lease is several of them.
  const beat = (): void => void writeFile(path, String(count++)).catch(() => {});
  return setInterval(beat, heartbeatMs).unref();
}

/** Types of file systems that only one kernel sees, as Linux numbers them: ext, XFS, Btrfs, tmpfs, overlay, ZFS, F2FS, ramfs, bcachefs. */
const localTypes = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1, 0xf2f52010, 0x858458f6, 0xca451a4e,
]);

/** Whether other machines may see a folder, as on NFS or through a virtual machine. */
async function isShared(folder: string, settings: LockSettings): Promise<boolean> {
  if (settings.isShared !== undefined) return settings.isShared;
  return statfs(folder).then(
    ({ type }) => !localTypes.has(type),
    () => true,
  );
}

function ownStart(): string | null {
  return processStart(process.pid);
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

function bootOf(start: string | null): string | null {
  return start === null ? null : start.slice(0, start.lastIndexOf(" "));
}

function pidNamespace(): string | null {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return null;
  }
}

function describe(holder: LockHolder | null): string {
  return holder === null ? "another run" : `process ${holder.pid} on ${holder.host}, since ${holder.started}`;
}

function lockedBy(folder: string, holder: LockHolder | null): OperatorError {
  const isUnseen = holder !== null && isSeenAlive(holder) === undefined;
  const advice = isUnseen
    ? `It cannot be seen from here. Stop that run; if it is gone, "sferic checkpoint unlock ${dirname(folder)} --yes" frees the checkpoint.`
    : "Stop that run, or give this one a checkpoint of its own.";
  const message = `The checkpoint is in use by ${describe(holder)}. ${advice}`;
  return new OperatorError({ code: "checkpoint-locked", message, details: { path: folder, holder } });
}

async function takenOver(folder: string): Promise<OperatorError> {
  const { holder } = await newestClaim(folder);
  const message = `The checkpoint was taken over by ${describe(holder)} while this run paused or was cut off, so this run ends. Run it again when that one has ended.`;
  return new OperatorError({ code: "checkpoint-locked", message, details: { path: folder, holder } });
}
