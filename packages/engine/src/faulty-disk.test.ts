import { join } from "node:path";
import { beforeEach, expect, test, vi } from "vitest";
import { runPipeline } from "./run.ts";
import { Recorder } from "./testing/recorder.ts";
import { scratchFolder } from "./testing/scratch.ts";

/** Every call that changes the disk, in order; the one of index `failAt` fails as a full disk does. */
const disk = vi.hoisted(() => ({
  calls: [] as string[],
  failAt: Number.POSITIVE_INFINITY,
  change(name: string): void {
    disk.calls.push(name);
    if (disk.calls.length - 1 !== disk.failAt) return;
    throw Object.assign(new Error(`ENOSPC: no space left on device, ${name}`), { code: "ENOSPC" });
  },
}));

vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  const failing = (name: "link" | "mkdir" | "rename" | "rm" | "truncate" | "unlink") => {
    return async (...args: unknown[]) => {
      disk.change(name);
      return (real[name] as (...args: unknown[]) => unknown)(...args);
    };
  };
  const open = async (path: string, flags: string) => {
    const handle = await real.open(path, flags);
    for (const name of ["writeFile", "sync"] as const) {
      const actual = handle[name].bind(handle) as (...args: unknown[]) => Promise<void>;
      handle[name] = (async (...args: unknown[]) => {
        disk.change(name);
        return actual(...args);
      }) as never;
    }
    return handle;
  };
  const changing = Object.fromEntries(
    (["link", "mkdir", "rename", "rm", "truncate", "unlink"] as const).map((name) => [name, failing(name)]),
  );
  return { ...real, ...changing, open };
});

const spec = {
  name: "p",
  sources: { numbers: { type: "numbers", rowsPerEpoch: 2 } },
  sinks: { a: { type: "keeper", from: "numbers" } },
  run: { trigger: "available-now" },
};

beforeEach(() => {
  disk.calls.length = 0;
  disk.failAt = Number.POSITIVE_INFINITY;
});

test("whatever write to the checkpoint fails, the next run ends as if nothing had happened", async () => {
  const recorder = new Recorder();
  recorder.available["numbers"] = 3;
  const folder = await scratchFolder();
  await runPipeline(spec, { registry: recorder.registry, checkpoint: join(folder, "whole") });
  const callCount = disk.calls.length;
  expect(new Set(disk.calls)).toEqual(new Set(["mkdir", "sync", "writeFile", "link", "unlink", "truncate"]));
  for (let failAt = 0; failAt < callCount; failAt++) {
    const other = new Recorder();
    other.available["numbers"] = 3;
    const options = { registry: other.registry, checkpoint: join(folder, String(failAt)) };
    disk.calls.length = 0;
    disk.failAt = failAt;
    const failed = await runPipeline(spec, options);
    const where = `call ${failAt}, ${disk.calls[failAt]}`;
    // Letting go of the lock has a second way; everything else is told.
    const code = disk.calls[failAt] === "truncate" ? undefined : "disk-full";
    expect(failed.error?.code, where).toBe(code);
    disk.failAt = Number.POSITIVE_INFINITY;
    expect(await runPipeline(spec, options), where).toMatchObject({ state: "succeeded" });
    expect(other.rows("a"), where).toEqual([0, 1, 2]);
    expect(other.staged.size, where).toBe(0);
  }
});

test("a full disk is told with the file that could not be written", async () => {
  const recorder = new Recorder();
  recorder.available["numbers"] = 3;
  const folder = await scratchFolder();
  const onEvent = (event: { type: string; point?: string }): void => {
    if (event.point === "planned") disk.failAt = disk.calls.length;
  };
  const { error } = await runPipeline(spec, { registry: recorder.registry, checkpoint: folder, onEvent });
  expect(error).toMatchObject({
    code: "disk-full",
    message: expect.stringContaining(join(folder, "offsets", "0000000000.json")),
  });
});
