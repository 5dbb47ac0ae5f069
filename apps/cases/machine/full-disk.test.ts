import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { registry } from "@sferic/catalog";
import { type RunResult, runPipeline } from "@sferic/engine";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lightningIn, visibleRows } from "../kill/lightning.ts";

/** A small file system of its own needs the right to mount one. */
const canMount = process.platform === "linux" && process.getuid?.() === 0;

let folder: string;
let small: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sferic-full-"));
  small = join(folder, "out");
  await mkdir(small);
  if (canMount) execFileSync("mount", ["-t", "tmpfs", "-o", "size=16m", "tmpfs", small]);
});

afterEach(async () => {
  if (canMount) execFileSync("umount", ["-l", small]);
  await rm(folder, { recursive: true, force: true });
});

async function run(): Promise<RunResult> {
  const file = await lightningIn(folder);
  return runPipeline(await readFile(file, "utf8"), { registry, file });
}

test.skipIf(!canMount).each([0, 20, 120, 600])(
  "with %i KiB left the run fails as such, and goes on when there is room",
  { timeout: 60_000 },
  async (left) => {
    const ballast = join(small, "ballast");
    await writeFile(ballast, Buffer.alloc((16 * 1024 - left) * 1024)).catch(() => {});
    const failed = await run();
    expect(failed).toMatchObject({
      state: "failed",
      error: { code: "disk-full", message: expect.stringContaining(small) },
    });
    await rm(ballast);
    const resumed = await run();
    expect(resumed.state, resumed.error?.message).toBe("succeeded");
    expect(Object.values(await visibleRows(folder)).map((rows) => rows.length)).toEqual([1303, 1303, 1303]);
  },
);
