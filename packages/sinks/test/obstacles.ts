import { execFileSync, spawnSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Obstacle } from "@sferic/testkit";

/** A file where the sink wants a folder. */
export function fileInTheWay(path: string): Obstacle {
  const place = (directory: string): string => join(directory, path);
  return {
    name: "a file in the way of a folder",
    codes: ["not-a-folder"],
    put: async (directory) => {
      await mkdir(dirname(place(directory)), { recursive: true });
      await writeFile(place(directory), "in the way");
    },
    remove: (directory) => rm(place(directory)),
  };
}

/** A folder that may only be read: by its mode, or for root, whom no mode stops, as a file system of its own. */
export function readOnlyFolder(path: string): Obstacle {
  const [name, codes] = ["a read-only folder", ["permission-denied"]];
  if (process.getuid?.() === 0) return mounted(name, path, "size=1m,ro", codes);
  return {
    name,
    codes,
    put: async (directory) => {
      await mkdir(join(directory, path), { recursive: true });
      await chmod(join(directory, path), 0o555);
    },
    remove: (directory) => chmod(join(directory, path), 0o755),
  };
}

/** A disk of 4 KiB. Needs the right to mount. */
export function fullDisk(path: string): Obstacle {
  return mounted("a full disk", path, "size=4k", ["disk-full"]);
}

function mounted(name: string, path: string, options: string, codes: readonly string[]): Obstacle {
  return {
    name,
    codes,
    unavailable: mountRefusal,
    put: async (directory) => {
      await mkdir(join(directory, path), { recursive: true });
      execFileSync("mount", mountArguments(options, join(directory, path)));
    },
    remove: (directory) => {
      execFileSync("umount", [join(directory, path)]);
      return Promise.resolve();
    },
  };
}

function mountArguments(options: string, folder: string): string[] {
  return ["-t", "tmpfs", "-o", options, "tmpfs", folder];
}

/** Why this process cannot mount a file system, or undefined when it can. Found by trying: root need not be allowed to. */
const mountRefusal: string | undefined = await tryToMount();

async function tryToMount(): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "sferic-mount-"));
  try {
    const { status, error, stderr } = spawnSync("mount", mountArguments("size=4k", folder), { encoding: "utf8" });
    if (status !== 0) return `no file system can be mounted here: ${(error?.message ?? stderr).trim().split("\n")[0]}`;
    execFileSync("umount", [folder]);
    return undefined;
  } finally {
    await rm(folder, { recursive: true });
  }
}
