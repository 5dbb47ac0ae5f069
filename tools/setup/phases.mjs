/** Runs commands one after another and shows which one is running, for how long, and what it last said. */
import { spawn } from "node:child_process";
import { plainText } from "./output.mjs";
import { environment, root } from "./places.mjs";

const outputBytesMax = 16 * 1024 * 1024;
const plainEveryMs = 10_000;
const liveEveryMs = 100;
const spinner = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏";

/** A phase that ended badly; `output` is what its command printed. */
export class PhaseError extends Error {
  constructor(message, output = "") {
    super(message);
    this.output = output;
  }
}

let running;

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
]) {
  process.on(signal, () => {
    if (running === undefined) process.exit(code);
    running.stopped = code;
    stop(running.child);
  });
}

/**
 * Phases run in a process group of their own, so that compilers end together with whoever started them. Always SIGTERM:
 * a shell's background commands ignore SIGINT.
 */
function stop(child) {
  try {
    process.kill(-child.pid, "SIGTERM");
  } catch {
    child.kill("SIGTERM");
  }
}

/**
 * Runs a command as a phase with visible progress on stderr and resolves to what it printed; `shorten` makes a line of
 * that fit for display, or empty to skip it. Rejects with {@link PhaseError} when it ends with another code than 0. Ends this process with 130
 * when interrupted.
 */
export async function run(name, command, args, { cwd = root, env = {}, shorten = (line) => line } = {}) {
  const display = startDisplay(name, shorten);
  const output = [];
  let size = 0;
  const child = spawn(command, args, {
    cwd,
    env: environment(env),
    stdio: ["ignore", "pipe", "pipe"],
    detached: process.platform !== "win32",
  });
  running = { child, stopped: undefined };
  const take = (data) => {
    output.push(data);
    size += data.length;
    while (size > outputBytesMax) size -= output.shift().length;
    display.say(data.toString());
  };
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  const code = await new Promise((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", (exit, signal) => resolve(exit ?? signal));
  });
  const { stopped } = running;
  running = undefined;
  const text = Buffer.concat(output).toString();
  if (stopped !== undefined) {
    display.end("interrupted");
    process.exit(stopped);
  }
  display.end(code === 0 ? "done" : "FAILED");
  if (code === 0) return text;
  throw new PhaseError(`${name} failed (${typeof code === "number" ? `exit code ${code}` : code}).`, text);
}

/** Runs a command in the foreground with this terminal; resolves to its exit code. */
export function handOver(command, args, env = {}) {
  const child = spawn(command, args, { cwd: process.cwd(), env: environment(env), stdio: "inherit" });
  // A terminal sends Ctrl-C to the child as well; this process only has to outlive it.
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.removeAllListeners(signal);
    process.on(signal, () => {
      if (signal === "SIGTERM") child.kill(signal);
    });
  }
  return new Promise((resolve) => {
    child.on("error", (error) => {
      console.error(error.message);
      resolve(1);
    });
    child.on("close", (code, signal) => resolve(code ?? (signal === "SIGINT" ? 130 : 1)));
  });
}

const cargoDoes = /^(Compiling|Checking|Downloading|Downloaded|Running|Blocking|Finished)\b|waiting for file lock/;

/** What cargo is doing, for `shorten`: not what it has to say about it. */
export function cargoProgress(line) {
  return cargoDoes.test(line) ? line : "";
}

/** One line about a phase that had nothing to do. */
export function upToDate(name) {
  console.error(`${name.padEnd(nameWidth)} up to date`);
}

const nameWidth = 24;

function startDisplay(name, shorten) {
  const started = Date.now();
  const live = process.stderr.isTTY && !process.env.CI && process.env.TERM !== "dumb";
  let said = "";
  let frame = 0;
  const elapsed = () => `${Math.round((Date.now() - started) / 1000)} s`;
  const draw = () => {
    const head = `${spinner[frame++ % spinner.length]} ${name.padEnd(nameWidth - 2)} ${elapsed().padStart(6)}  `;
    const room = Math.max(0, (process.stderr.columns || 80) - head.length - 1);
    process.stderr.write(`\r\u001b[2K${head}${said.slice(0, room)}`);
  };
  if (!live) console.error(`${name.padEnd(nameWidth)} …`);
  const timer = live
    ? setInterval(draw, liveEveryMs)
    : setInterval(() => console.error(`${name.padEnd(nameWidth)} ${elapsed().padStart(6)}  ${said}`), plainEveryMs);
  return {
    say(text) {
      const lines = plainText(text).split("\n");
      const last = lines.map((line) => shorten(line.trim())).findLast((line) => line !== "");
      if (last !== undefined) said = last.slice(0, 160);
    },
    end(result) {
      clearInterval(timer);
      if (live) process.stderr.write("\r\u001b[2K");
      console.error(`${name.padEnd(nameWidth)} ${elapsed().padStart(6)}  ${result}`);
    },
  };
}
