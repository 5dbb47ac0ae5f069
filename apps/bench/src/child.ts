import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Answer, Contender } from "./scenario.ts";

/** What a contender's process says when it is ready. */
export interface Ready {
  readonly versions: Readonly<Record<string, string>>;
  readonly peakMemoryBytes: number;
}

/** A contender's process while it lives: started, asked once per repetition, closed. */
export class Child implements AsyncDisposable {
  readonly contender: Contender;
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(contender: Contender) {
    const [program = "", ...args] = contender.command;
    this.contender = contender;
    this.#process = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
    // A program that cannot be started ends its output at once, which is told below.
    this.#process.on("error", () => {});
    this.#process.stdin!.on("error", () => {});
    this.#lines = createInterface({ input: this.#process.stdout! })[Symbol.asyncIterator]();
  }

  /** Resolves when the contender holds its data. */
  ready(): Promise<Ready> {
    return this.#message() as Promise<Ready>;
  }

  /** Has it done once; `repetition` also is the seed, where there is one. Rejects when the process ends instead. */
  async repeat(repetition: number): Promise<Answer> {
    this.#process.stdin!.write(`${JSON.stringify({ repetition })}\n`);
    const answer = (await this.#message()) as Answer;
    return this.contender.interpret?.(answer) ?? answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null || this.#process.pid === undefined) return;
    const ended = once(this.#process, "exit");
    this.#process.stdin!.end();
    const reminder = setTimeout(() => this.#process.kill(), 10_000);
    await ended;
    clearTimeout(reminder);
  }

  async #message(): Promise<unknown> {
    const { value, done } = await this.#lines.next();
    if (done !== true) return JSON.parse(value) as unknown;
    throw new Error(`"${this.contender.name}" ended before it answered: ${this.contender.command.join(" ")}`);
  }
}
