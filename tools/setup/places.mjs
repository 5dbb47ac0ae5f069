/** Where things are. Runs on Node 18 before anything is installed. */
import { accessSync, constants, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** Root folder of this checkout. */
export const root = resolve(fileURLToPath(import.meta.url), "../../..");

/** Folder for the set-up's own notes; goes away with node_modules, and everything is checked again then. */
export const notes = join(root, "node_modules/.cache/sferic");

const binaries = join(root, "node_modules/.bin");

/** Environment for every command: the tools of this checkout, and its Node, come first. */
export function environment(extra = {}) {
  return { ...process.env, ...extra, PATH: `${binaries}${delimiter}${process.env.PATH ?? ""}` };
}

/** Folder for what all checkouts share: `SFERIC_CACHE_DIR`, or `sferic` in the user's cache folder. May be deleted at any time. */
export function cacheDirectory() {
  return resolve(
    process.env.SFERIC_CACHE_DIR || join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "sferic"),
  );
}

/** Folder for compiled Rust dependencies. Falls back to native/target when it cannot be written, and says so. */
export function cargoTargetDirectory(warn = console.error) {
  const target = join(cacheDirectory(), "target");
  try {
    mkdirSync(target, { recursive: true });
    accessSync(target, constants.W_OK);
    return target;
  } catch (error) {
    const instead = join(root, "native/target");
    warn(`${target} cannot be written (${error.code}); building in ${instead}. SFERIC_CACHE_DIR names another folder.`);
    return instead;
  }
}
