/** The Rust core: built when its sources or the compiler changed. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cargoProgress, run, upToDate } from "./phases.mjs";
import { cargoTargetDirectory, notes, root } from "./places.mjs";
import { requireCompilers, rustVersion } from "./prerequisites.mjs";

const name = "native core";
const stamp = join(notes, "native.json");

const workspace = ["Cargo.toml", "Cargo.lock", "package.json"].map((file) => join(root, "native", file));

/** Every file that cargo may look at, in a fixed order. */
function crateFiles() {
  return [...workspace, ...filesBelow(join(root, "native/crates"))];
}

/** The files the addon is made from: no tests, no examples. */
function sources() {
  return crateFiles().filter((file) => workspace.includes(file) || /\/(src\/.+|build\.rs|Cargo\.toml)$/.test(file));
}

function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? filesBelow(join(folder, entry.name)) : [join(folder, entry.name)]));
}

function hashOf(files) {
  const hash = createHash("sha256");
  for (const file of files)
    hash
      .update(`${file.slice(root.length)}\0`)
      .update(readFileSync(file))
      .update("\0");
  return hash.digest("hex");
}

/** Whether the addon in native/ was built from these sources by this compiler (or by any, when there is none now). */
function isBuilt(hash, compiler) {
  if (!existsSync(stamp) || !existsSync(join(root, "native/index.js"))) return false;
  const built = JSON.parse(readFileSync(stamp, "utf8"));
  return built.hash === hash && (compiler === undefined || built.compiler === compiler) && addons() === built.addons;
}

function addons() {
  const files = readdirSync(join(root, "native")).filter((file) => file.endsWith(".node"));
  return files.length === 0 ? undefined : hashOf(files.sort().map((file) => join(root, "native", file)));
}

/**
 * The shared target folder, made safe for this checkout. Cargo tells checkouts apart by nothing but file times, so
 * sources are dated now when another checkout built there last.
 */
export function claimTargetDirectory() {
  const target = cargoTargetDirectory();
  const owner = join(target, "checkout");
  if (!existsSync(owner) || readFileSync(owner, "utf8") !== root) {
    const now = new Date();
    for (const file of crateFiles()) utimesSync(file, now, now);
    mkdirSync(dirname(owner), { recursive: true });
    writeFileSync(owner, root);
  }
  return target;
}

/** Builds the addon if need be; `name` of the phase on stderr. Resolves to whether anything was built. */
export async function buildNative() {
  const hash = hashOf(sources());
  const compiler = rustVersion();
  if (isBuilt(hash, compiler)) {
    upToDate(name);
    return false;
  }
  requireCompilers();
  await run(name, "npm", ["run", "addon", "--workspace", "native"], {
    env: { CARGO_TARGET_DIR: claimTargetDirectory(), CARGO_TERM_PROGRESS_WHEN: "never" },
    shorten: cargoProgress,
  });
  mkdirSync(notes, { recursive: true });
  writeFileSync(stamp, JSON.stringify({ hash, compiler, addons: addons() }));
  return true;
}
