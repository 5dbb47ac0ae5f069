import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const sferic = join(import.meta.dirname, "../../apps/cli/bin/sferic.js");

/** Signals that follow each other faster than this count as one. */
const betweenSignalsMs = 500;

/** How long a process that was asked to stop may take, in milliseconds. */
const stopMsMax = 60_000;

/** A `sferic` command in a process of its own, which a Ctrl-C of the terminal does not reach. */
export class Command {
  readonly #name: string;
  readonly #log: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<number>;
  /** Exit code, or -1 for a signal; undefined while it runs. */
  code: number | undefined;

  /** What the command prints goes into `<folder>/logs/<name>.log`. */
  constructor(name: string, args: readonly string[], folder: string, environment: Readonly<Record<string, string>>) {
    this.#name = name;
    this.#log = join(folder, "logs", `${name}.log`);
    const log = openSync(this.#log, "w");
    this.#child = spawn(process.execPath, [sferic, ...args], {
      cwd: folder,
      env: { ...process.env, ...environment, NO_COLOR: "1" },
      detached: true,
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    this.#ended = once(this.#child, "close").then(([code]) => (this.code = (code as number | null) ?? -1));
  }

  /** Resolves when it ended well. Rejects with the end of its log otherwise. */
  async succeeded(): Promise<void> {
    if ((await this.#ended) !== 0) throw await this.failure();
  }

  async failure(): Promise<Error> {
    const lines = (await readFile(this.#log, "utf8")).trimEnd().split("\n").slice(-20);
    return new Error(
      `${this.#name} failed (exit code ${this.code}). Its log, ${this.#log}, ends with:\n${lines.join("\n")}`,
    );
  }

  /** Lets it finish its epoch and stop. */
  async drain(): Promise<void> {
    this.#signal("SIGTERM");
    await Promise.race([this.#ended, sleep(stopMsMax, undefined, { ref: false })]);
    await this.end();
  }

  /** Has it give up its epoch, and kills it if it does not within a minute. */
  async end(): Promise<void> {
    for (const signal of ["SIGTERM", "SIGTERM"] as const) {
      if (!this.#signal(signal)) return;
      await Promise.race([this.#ended, sleep(betweenSignalsMs)]);
    }
    await Promise.race([this.#ended, sleep(stopMsMax, undefined, { ref: false })]);
    if (this.#signal("SIGKILL")) await this.#ended;
  }

  /** False when it has ended. */
  #signal(name: NodeJS.Signals): boolean {
    return this.code === undefined && this.#child.kill(name);
  }
}
