import { execFileSync } from "node:child_process";
import { mkdir } from "node:fs/promises";

/** Whether this process may mount a file system of its own. */
export const canMount = process.platform === "linux" && process.getuid?.() === 0;

/** Said in the title of tests that are skipped without it. */
export const mountNote = canMount ? "" : " (skipped: to mount a small disk takes root on Linux)";

/** A disk of its own at `path`, in memory. `unmount` it in the end. */
export async function mountSmallDisk(path: string, kibibytes: number): Promise<void> {
  await mkdir(path, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${kibibytes}k`, "tmpfs", path]);
}

export function unmount(path: string): void {
  execFileSync("umount", ["-l", path]);
}
