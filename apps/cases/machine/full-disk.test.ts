import { mkdtemp, readFile, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { registry } from "@sferic/catalog";
import { type ProtocolPoint, type RunEvent, type RunResult, runPipeline } from "@sferic/engine";
import { mountRefusal, mountSmallDisk, unmount } from "@sferic/testkit";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { lightningIn, strayNames, undisturbedRows, visibleRows } from "../kill/lightning.ts";

const refusal = await mountRefusal();
const canMount = refusal === undefined;
/** Said in the title of tests that are skipped. */
const mountNote = canMount ? "" : ` (skipped: ${refusal})`;
const diskKibibytes = 16 * 1024;

let undisturbed: Awaited<ReturnType<typeof visibleRows>>;
let folder: string;
let outputs: string;
let records: string;

beforeAll(async () => {
  undisturbed = await undisturbedRows();
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sferic-full-"));
  [outputs, records] = [join(folder, "out"), join(folder, "records")];
  if (canMount) for (const disk of [outputs, records]) await mountSmallDisk(disk, `size=${diskKibibytes}k`);
});

afterEach(async () => {
  if (canMount) [outputs, records].forEach(unmount);
  await rm(folder, { recursive: true, force: true });
});

type OnPoint = (point: ProtocolPoint, epoch: number, operatorId?: string) => Promise<void> | void;

/** One run; it waits for `onPoint` at every point of the protocol. */
async function run(checkpoint: string, onPoint: OnPoint = () => {}): Promise<RunResult> {
  const file = await lightningIn(folder, { checkpoint });
  const onEvent = async (event: RunEvent): Promise<void> => {
    if (event.type === "point") await onPoint(event.point, event.epoch, event.operatorId);
  };
  return runPipeline(await readFile(file, "utf8"), { registry, file, onEvent });
}

/** Leaves so many KiB on a disk. */
async function fill(disk: string, left: number): Promise<void> {
  const { bavail, bsize } = await statfs(disk);
  await writeFile(join(disk, "ballast"), Buffer.alloc(Math.max(0, bavail * bsize - left * 1024)));
}

function expectDiskFull(failed: RunResult, disk: string): void {
  expect(failed).toMatchObject({
    state: "failed",
    error: { code: "disk-full", message: expect.stringContaining(disk) },
  });
}

async function expectResumed(checkpoint: string): Promise<void> {
  const resumed = await run(checkpoint);
  expect(resumed.state, resumed.error?.message).toBe("succeeded");
  expect(await visibleRows(folder)).toEqual(undisturbed);
  expect(await strayNames(folder)).toEqual([]);
}

test.skipIf(!canMount).each([0, 20, 60, 120, 600])(
  `with %i KiB left the run fails as such, and goes on when there is room${mountNote}`,
  async (left) => {
    const checkpoint = join(outputs, ".checkpoint");
    await fill(outputs, left);
    expectDiskFull(await run(checkpoint), outputs);
    await rm(join(outputs, "ballast"));
    await expectResumed(checkpoint);
  },
);

const moments: [point: ProtocolPoint, operatorId?: string][] = [
  ["planned"],
  ["intent"],
  ["staged"],
  ["prepared"],
  ["published", "geospatial"],
  ["published", "csv"],
  ["published", "db"],
  ["committed"],
  ["cleaned"],
];

describe.each(["outputs", "records"] as const)("the disk of the %s of two, full", (which) => {
  test.skipIf(!canMount).each(moments)(
    `at %s %s: the run fails as such, and goes on when there is room${mountNote}`,
    async (moment, operatorId) => {
      const disk = which === "outputs" ? outputs : records;
      const failed = await run(records, async (point, epoch, id) => {
        if (epoch === 2 && point === moment && id === operatorId) await fill(disk, 0);
      });
      expectDiskFull(failed, disk);
      await rm(join(disk, "ballast"));
      await expectResumed(records);
    },
  );
});
