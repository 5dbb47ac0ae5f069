import { execFileSync } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Obstacle } from "@sferic/testkit";

/** A file where the sink wants a folder. */
export function fileInTheWay(path: string, codes: readonly string[]): Obstacle {
  const place = (directory: string): string => join(directory, path);
  return {
    name: "a file in the way of a folder",
    codes,
    put: async (directory) => {
      await mkdir(dirname(place(directory)), { recursive: true });
      await writeFile(place(directory), "in the way");
    },
    remove: (directory) => rm(place(directory)),
  };
}

/** A disk that may only be read. Needs the right to mount. */
export function readOnlyDisk(path: string): Obstacle {
  return mounted("a read-only disk", path, "size=1m,ro", ["permission-denied"]);
}

/** A disk of 4 KiB. Needs the right to mount. */
export function fullDisk(path: string): Obstacle {
  return mounted("a full disk", path, "size=4k", ["disk-full"]);
}

/** Whether this process may mount file systems, as root in a container of its own may. */
export const canMount: boolean = process.platform === "linux" && process.getuid?.() === 0;

function mounted(name: string, path: string, options: string, codes: readonly string[]): Obstacle {
  return {
    name,
    codes,
    put: async (directory) => {
      await mkdir(join(directory, path), { recursive: true });
      execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", join(directory, path)]);
    },
    remove: (directory) => {
      execFileSync("umount", [join(directory, path)]);
      return Promise.resolve();
    },
  };
}
