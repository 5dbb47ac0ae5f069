/** npm packages: installed when they are not what package-lock.json says. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { run, upToDate, PhaseError } from "./phases.mjs";
import { root } from "./places.mjs";

const name = "npm packages";

/** Packages of a lock file, by their place; empty when there is no such file. */
function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(join(root, file), "utf8")).packages;
  } catch {
    return {};
  }
}

/**
 * Whether `installed` (what npm wrote down when it last finished) holds everything that `locked` asks for. Optional
 * packages may be missing: they are for other platforms.
 */
export function isInstalled(locked, installed) {
  const wanted = Object.entries(locked).filter(([place]) => place.startsWith("node_modules/"));
  return wanted.every(([place, entry]) => {
    const found = installed[place];
    if (found === undefined) return entry.optional === true || entry.devOptional === true;
    if (entry.link === true) return found.link === true && found.resolved === entry.resolved;
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

/** `npm http fetch GET 200 https://…/zod/-/zod-4.6.7.tgz 79ms (cache miss)` in short. */
function fetched(line) {
  const file = /GET 200 \S+\/(\S+\.tgz)/.exec(line)?.[1];
  return file === undefined ? line : `fetched ${file}`;
}

/** Runs `npm ci` if need be. Package scripts never run. */
export async function installPackages() {
  const installed = packagesOf("node_modules/.package-lock.json");
  if (Object.keys(installed).length > 0 && isInstalled(packagesOf("package-lock.json"), installed)) {
    upToDate(name);
    return;
  }
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ["npm"];
  const args = ["ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=http"];
  try {
    await run(name, npm[0], [...npm.slice(1), ...args], { shorten: fetched });
  } catch (error) {
    if (!/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED/.test(error.output)) throw error;
    throw new PhaseError(
      "npm cannot reach its registry, and its cache does not hold all packages. Connect, or name a mirror or proxy: npm config set registry …, npm config set proxy …",
      error.output,
    );
  }
}
