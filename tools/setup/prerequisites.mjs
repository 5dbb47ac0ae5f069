/** What a machine must have, and what to do when it does not. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { environment, root } from "./places.mjs";
import { PhaseError } from "./phases.mjs";

const nodeMajor = 24;

/** First line that a command prints, or undefined when there is no such command. */
function versionOf(command, ...args) {
  const { status, stdout } = spawnSync(command, args, { encoding: "utf8", env: environment() });
  return status === 0 ? stdout.trim() : undefined;
}

/** `rustc -vV`, or undefined without Rust. */
export function rustVersion() {
  return versionOf("rustc", "-vV");
}

/** Throws a message for people when Rust or the C compiler is missing or too old. */
export function requireCompilers() {
  const wanted = readFileSync(join(root, "native/Cargo.toml"), "utf8").match(/^rust-version = "(\d+)\.(\d+)/m);
  const problems = [];
  const rust = rustVersion()?.match(/^rustc (\d+)\.(\d+)/);
  if (versionOf("cargo", "--version") === undefined || !rust) {
    problems.push(`Rust is missing. Install rustup (https://rustup.rs), then open a new terminal.`);
  } else if (Number(rust[1]) < Number(wanted[1]) || Number(rust[2]) < Number(wanted[2])) {
    problems.push(`Rust ${rust[1]}.${rust[2]} is too old; ${wanted[1]}.${wanted[2]} is needed: rustup update stable`);
  }
  if (versionOf("cc", "--version") === undefined) {
    problems.push(
      "A C compiler (cc) is missing. Debian, Ubuntu: apt-get install build-essential · Fedora: dnf install gcc · macOS: xcode-select --install",
    );
  }
  if (problems.length > 0) throw new PhaseError(`The native core cannot be built.\n  ${problems.join("\n  ")}`);
}

/** Path of a Node that can run Sferic: the one npm installed here, or the one that is running. */
export function requireNode() {
  const installed = join(root, "node_modules/.bin/node");
  if (existsSync(installed) && versionOf(installed, "--version") !== undefined) return installed;
  if (Number(process.versions.node.split(".")[0]) >= nodeMajor) return process.execPath;
  throw new PhaseError(
    `Sferic needs Node ${nodeMajor} or newer and this is ${process.version}. npm brings a newer one on Linux x64 and arm64 ` +
      `(unless optional dependencies are turned off); on ${process.platform} ${process.arch} install Node ${nodeMajor} first.`,
  );
}
