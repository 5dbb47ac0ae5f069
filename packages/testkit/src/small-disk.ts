import { execFileSync, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Mounts a file system in memory at a folder, made if need be; `options` as of tmpfs, such as `size=4k`. */
export async function mountSmallDisk(folder: string, options: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  execFileSync("mount", mountArguments(folder, options));
}

export function unmount(folder: string): void {
  execFileSync("umount", ["-l", folder]);
}

/** Why this process cannot mount a file system, or undefined when it can. Found by trying: root need not be allowed to. */
export async function mountRefusal(): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "sferic-mount-"));
  try {
    const { status, error, stderr } = spawnSync("mount", mountArguments(folder, "size=4k"), { encoding: "utf8" });
    if (status !== 0) return `no file system can be mounted here: ${(error?.message ?? stderr).trim().split("\n")[0]}`;
    unmount(folder);
    return undefined;
  } finally {
    await rm(folder, { recursive: true });
  }
}

function mountArguments(folder: string, options: string): string[] {
  return ["-t", "tmpfs", "-o", options, "tmpfs", folder];
}
