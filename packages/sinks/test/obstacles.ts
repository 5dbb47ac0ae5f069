import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { mountRefusal, mountSmallDisk, type Obstacle, unmount } from "@sferic/testkit";

const refusal = await mountRefusal();

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
    unavailable: refusal,
    put: (directory) => mountSmallDisk(join(directory, path), options),
    remove: (directory) => Promise.resolve(unmount(join(directory, path))),
  };
}
