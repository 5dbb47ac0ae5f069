import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { isWhole } from "@sferic/testkit";
import { onTestFinished, expect, test } from "vitest";
import { scratchFolder } from "../testing/scratch.ts";
import { acquireLock, type LockHolder, liveHolder, type LockSettings, unlockFolder } from "./lock.ts";

/** A process that takes and lets go of locks as it is told; it answers with what came of it. */
class Taker {
  readonly process: ChildProcess = fork(join(import.meta.dirname, "../testing/lock-taker.ts"), {
    execArgv: ["--conditions=@sferic/source"],
  });

  constructor() {
    onTestFinished(() => void this.process.kill("SIGKILL"));
  }

  /** Resolves to "taken", "released" or the message of the refusal. */
  async told(command: "take" | "release", directory: string): Promise<string> {
    const answer = once(this.process, "message");
    this.process.send({ command, directory });
    return String((await answer)[0]);
  }

  async kill(): Promise<void> {
    this.process.kill("SIGKILL");
    await once(this.process, "exit");
  }
}

/** Leaves the lock as a process that died would. */
async function leave(directory: string, text: string): Promise<void> {
  await mkdir(join(directory, "LOCK"));
  await writeFile(join(directory, "LOCK", "0000000001"), text);
}

test("a lock excludes everyone, this process too, until it is let go", async () => {
  const directory = await scratchFolder();
  const lock = await acquireLock(directory);
  await expect(acquireLock(directory)).rejects.toMatchObject({
    code: "checkpoint-locked",
    message: expect.stringContaining(`process ${process.pid} on ${hostname()}`),
  });
  await lock.release();
  await (await acquireLock(directory)).release();
  expect(await readdir(join(directory, "LOCK"))).toEqual(["0000000002", "held"]);
});

test(
  "another process is refused within a second and told who holds the lock; after a kill it takes over",
  { retry: 2 },
  async () => {
    const directory = await scratchFolder();
    const taker = new Taker();
    expect(await taker.told("take", directory)).toBe("taken");
    const started = performance.now();
    await expect(acquireLock(directory)).rejects.toMatchObject({
      message: expect.stringContaining(`process ${taker.process.pid} on ${hostname()}`),
      details: { holder: { pid: taker.process.pid, fencingEpoch: 1 } },
    });
    expect(performance.now() - started).toBeLessThan(1000);
    await taker.kill();
    await acquireLock(directory);
    const holder = JSON.parse(await readFile(join(directory, "LOCK", "0000000002"), "utf8"));
    expect(holder).toMatchObject({ pid: process.pid, fencingEpoch: 2 });
  },
);

test("a process that has the number of a dead holder is not the holder", async () => {
  const directory = await scratchFolder();
  const holder = {
    pid: process.ppid,
    host: hostname(),
    started: "2026-01-01T00:00:00Z",
    processStart: "0",
    fencingEpoch: 1,
  };
  await leave(directory, JSON.stringify(holder));
  await acquireLock(directory);
  expect(await readdir(join(directory, "LOCK"))).toEqual(["0000000002", "held"]);
});

test("a holder of an earlier version on another machine counts as alive, and the refusal says what frees it", async () => {
  const directory = await scratchFolder();
  const holder = {
    pid: 2 ** 30,
    host: "elsewhere",
    started: "2026-01-01T00:00:00Z",
    processStart: null,
    fencingEpoch: 1,
  };
  await leave(directory, JSON.stringify(holder));
  await expect(acquireLock(directory)).rejects.toMatchObject({ message: expect.stringContaining("on elsewhere") });
  await expect(acquireLock(directory)).rejects.toMatchObject({
    message: expect.stringContaining(`"sferic checkpoint unlock ${directory} --yes"`),
  });
});

test.each(["", "{", '{"pid":"7"}', "null", "\0\0\0"])("a claim that says %j holds nothing", async (text) => {
  const directory = await scratchFolder();
  await leave(directory, text);
  await acquireLock(directory);
  expect(await readdir(join(directory, "LOCK"))).toEqual(["0000000002", "held"]);
});

test("of several that take over at once exactly one wins, in many rounds", async () => {
  const takers = [new Taker(), new Taker(), new Taker()];
  const dead = { pid: 2 ** 30, host: hostname(), started: "2026-01-01T00:00:00Z", processStart: null, fencingEpoch: 1 };
  for (let round = 0; round < (isWhole ? 150 : 50); round++) {
    const directory = await scratchFolder();
    await leave(directory, JSON.stringify(dead));
    const answers = await Promise.all(takers.map((taker) => taker.told("take", directory)));
    expect(
      answers.filter((answer) => answer === "taken"),
      answers.join("\n"),
    ).toHaveLength(1);
    const winner = takers[answers.indexOf("taken")]!;
    const [holder] = await readdir(join(directory, "LOCK"));
    const claim = await readFile(join(directory, "LOCK", holder!), "utf8");
    expect(JSON.parse(claim)).toMatchObject({ pid: winner.process.pid });
    await Promise.all(takers.map((taker) => taker.told("release", directory)));
  }
});

test("those who come and go without a pause never hold the lock together", async () => {
  const directory = await scratchFolder();
  const takers = [new Taker(), new Taker(), new Taker()];
  const holders = new Set<Taker>();
  let [turns, together] = [0, 0];
  const takeTurns = async (taker: Taker): Promise<void> => {
    for (let attempt = 0; attempt < (isWhole ? 300 : 100); attempt++) {
      if ((await taker.told("take", directory)) !== "taken") continue;
      if (holders.size > 0) together += 1;
      holders.add(taker);
      turns += 1;
      await setTimeout(1);
      holders.delete(taker);
      await taker.told("release", directory);
    }
  };
  await Promise.all(takers.map(takeTurns));
  expect(turns).toBeGreaterThan(20);
  expect(together).toBe(0);
});

/** A claim as this version writes it, of a process that cannot be seen from here. */
function elsewhere(ends: "file" | "lease", fencingEpoch = 1): LockHolder {
  const place = { pid: 7, host: "container-a", processStart: "boot 1", pidNamespace: "pid:[1]" };
  return { ...place, started: "2026-01-01T00:00:00Z", fencingEpoch, ends };
}

test("the lock of a container that was killed is taken over at once: the system has freed its file", async () => {
  const directory = await scratchFolder();
  await leave(directory, JSON.stringify(elsewhere("file")));
  await writeFile(join(directory, "LOCK", "held"), "");
  expect(await liveHolder(directory)).toBeNull();
  await expect(acquireLock(directory)).resolves.toMatchObject({ fencingEpoch: 2 });
});

test("the lock of a container that lives is not", async () => {
  const directory = await scratchFolder();
  const taker = new Taker();
  expect(await taker.told("take", directory)).toBe("taken");
  // What this process would read in another namespace of pids, on a host of the same name.
  const claim = join(directory, "LOCK", "0000000001");
  await writeFile(claim, JSON.stringify({ ...elsewhere("file"), host: hostname() }));
  expect(await liveHolder(directory)).toMatchObject({ pid: 7 });
  await expect(acquireLock(directory)).rejects.toMatchObject({ code: "checkpoint-locked" });
  await expect(unlockFolder(directory, true)).rejects.toMatchObject({ code: "checkpoint-locked" });
  await taker.kill();
  await acquireLock(directory);
});

/** As on a network file system, in a hurry. */
const shared: LockSettings = { isShared: true, heartbeatMs: 20, leaseMs: 200 };

test.each<[string, LockSettings]>([
  ["where machines share the folder", shared],
  ["without locks on files", { ...shared, isWithoutFileLocks: true }],
])("%s, a lease lasts as long as its heartbeat changes, whatever the clocks say", async (_, settings) => {
  const directory = await scratchFolder();
  await leave(directory, JSON.stringify(elsewhere("lease")));
  const beat = join(directory, "LOCK", "0000000001.beat");
  let count = 0;
  const heart = setInterval(() => void writeFile(beat, String(count++)), 30);
  await expect(acquireLock(directory, settings)).rejects.toMatchObject({ code: "checkpoint-locked" });
  await expect(unlockFolder(directory, true, settings)).rejects.toMatchObject({ code: "checkpoint-locked" });
  clearInterval(heart);
  await setTimeout(50);
  const lock = await acquireLock(directory, settings);
  expect(lock.fencingEpoch).toBe(2);
  await setTimeout(100);
  expect(await readdir(join(directory, "LOCK"))).toEqual(expect.arrayContaining(["0000000002", "0000000002.beat"]));
  expect(await readdir(join(directory, "LOCK"))).not.toContain("0000000001.beat");
  await lock.release();
});

test("a holder that was fenced off notices before it writes", async () => {
  const directory = await scratchFolder();
  const lock = await acquireLock(directory, { ...shared, isWithoutFileLocks: true });
  await lock.requireHeld();
  await writeFile(join(directory, "LOCK", "0000000002"), JSON.stringify(elsewhere("lease", 2)));
  await expect(lock.requireHeld()).rejects.toMatchObject({
    code: "checkpoint-locked",
    message: expect.stringContaining("taken over by process 7 on container-a"),
  });
  await lock.release();
});

test("unlocking frees what cannot be seen to be gone, once it is confirmed, and fences its holder off", async () => {
  const directory = await scratchFolder();
  const { ends: _, pidNamespace: __, ...old } = elsewhere("file");
  await leave(directory, JSON.stringify(old));
  expect(await unlockFolder(directory, false)).toMatchObject({ host: "container-a" });
  expect(await liveHolder(directory)).toMatchObject({ host: "container-a" });
  expect(await unlockFolder(directory, true)).toMatchObject({ host: "container-a" });
  expect(await liveHolder(directory)).toBeNull();
  expect(await unlockFolder(directory, true)).toBeNull();
  expect(await acquireLock(directory)).toMatchObject({ fencingEpoch: 3 });
  await expect(unlockFolder(directory, true)).rejects.toMatchObject({ code: "checkpoint-locked" });
});
