import { type FileHandle, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DiskFunctions } from "@sferic/testkit";
import { PowerLossDisk, repeats, uniform } from "@sferic/testkit";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { isSound, numberCount, World } from "./world.ts";

/** How many histories of kills and power losses are played; each seed is one. */
const seedCount = repeats("SFERIC_POWER_SEEDS", 25, 200);
const firstSeed = Number(process.env["SFERIC_POWER_SEED"] ?? 1);

/** The disk of the history that is played, and how often its machine or process was started. */
const machine = vi.hoisted(() => ({
  functions: undefined as DiskFunctions | undefined,
  starts: 0,
  /** Whether processes only believe that they sync. */
  isSyncIdle: false,
}));

vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  const names = ["link", "mkdir", "open", "rename", "rm", "rmdir", "truncate", "unlink", "writeFile"] as const;
  const watched = names.map((name) => [
    name,
    (...args: never[]) => ((machine.functions ?? real)[name] as (...args: never[]) => unknown)(...args),
  ]);
  const functions = Object.fromEntries(watched) as unknown as DiskFunctions;
  const open = async (path: string, flags?: string): Promise<FileHandle> => {
    const handle = await functions.open(path, flags);
    if (machine.isSyncIdle) handle.sync = async () => {};
    return handle;
  };
  return { ...real, ...functions, open };
});

// Every process of a history is this one, so what tells processes apart tells of its starts.
vi.mock("node:fs", async (original) => {
  const real = await original<typeof import("node:fs")>();
  const readFileSync = (path: string, ...args: never[]): unknown =>
    path === "/proc/sys/kernel/random/boot_id" ? `boot ${machine.starts}` : real.readFileSync(path, ...args);
  return { ...real, readFileSync };
});

const all = Array.from({ length: numberCount }, (_, n) => n);
const rows = all.filter(isSound);

let root: string;
/** Calls of an undisturbed run that change the disk. */
let callCount: number;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sferic-power-"));
  const { disk, world } = await begin(0);
  expect(await world.run()).toMatchObject({ state: "succeeded", epochs: 4 });
  callCount = disk.calls;
  await expectWhole(world, "undisturbed");
});

afterAll(async () => {
  machine.functions = undefined;
  await rm(root, { recursive: true });
});

test(
  `${seedCount} histories of kills and power losses end as if nothing had happened`,
  { timeout: 3_600_000 },
  async () => {
    for (let seed = firstSeed; seed < firstSeed + seedCount; seed++) await play(seed);
  },
);

test("a protocol that does not sync would be found out", async () => {
  machine.isSyncIdle = true;
  const playAll = async (): Promise<void> => {
    for (let seed = 1; seed <= 20; seed++) await play(seed);
  };
  await expect(playAll()).rejects.toThrow(/torn|lost/);
  machine.isSyncIdle = false;
});

/** Up to five processes that die, some of them with the power; then one that does not, and a last power loss. */
async function play(seed: number): Promise<void> {
  const { disk, world, random, folder } = await begin(seed);
  const deaths = 1 + Math.floor(random() * 5);
  for (let death = 1; death <= deaths; death++) {
    disk.startProcess(Math.floor(random() * callCount));
    await runOnce(world);
    const isPowerLost = random() < 0.6;
    if (isPowerLost) await disk.losePower();
    await expectSound(world, `seed ${seed}, after death ${death}${isPowerLost ? " with the power" : ""}`);
  }
  disk.startProcess();
  const { state, error } = await runOnce(world);
  expect({ state, error }, `seed ${seed}`).toEqual({ state: "succeeded", error: undefined });
  await expectWhole(world, `seed ${seed}`);
  await disk.losePower();
  await expectSound(world, `seed ${seed}, power lost at the end`);
  expect((await runOnce(world)).error, `seed ${seed}, power lost at the end`).toBeUndefined();
  await expectWhole(world, `seed ${seed}, power lost at the end`);
  machine.functions = undefined;
  await rm(folder, { recursive: true });
}

async function begin(
  seed: number,
): Promise<{ disk: PowerLossDisk; world: World; random: () => number; folder: string }> {
  machine.functions = undefined;
  const folder = await mkdtemp(join(root, "seed-"));
  const random = uniform(seed);
  const disk = new PowerLossDisk(await vi.importActual("node:fs/promises"), folder, random);
  machine.functions = disk.functions;
  return { disk, world: new World(folder), random, folder };
}

function runOnce(world: World): ReturnType<World["run"]> {
  machine.starts += 1;
  return world.run();
}

/** What was acknowledged is visible, nothing is visible twice, and no file is torn. */
async function expectSound(world: World, when: string): Promise<void> {
  for (const sink of ["a", "b"] as const) {
    const seen = await world.visible(sink);
    expect(seen, `${when}: a row twice in ${sink}`).toEqual([...new Set(seen)]);
    const lost = rows.filter((n) => n < world.acknowledged && !seen.includes(n));
    expect(lost, `${when}: rows lost from ${sink}`).toEqual([]);
  }
}

async function expectWhole(world: World, when: string): Promise<void> {
  expect(await world.visible("a"), `${when}: rows of a`).toEqual(rows);
  expect(await world.visible("b"), `${when}: rows of b`).toEqual(rows);
  expect(await world.letters(), `${when}: dead letters`).toEqual(all.filter((n) => !isSound(n)));
  expect(await world.strayNames(), `${when}: leftovers`).toEqual([]);
}
