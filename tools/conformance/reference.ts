import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pythonWith } from "../services/python.ts";
import type { Input } from "./inputs.ts";
import type { ReadInput } from "./read-with-sferic.ts";

/** How an input was read; reference.py says what each means. */
export type Verdict = "equal" | "reported" | "only-sferic" | "refused-by-both" | "refused" | "wrong";

/** What the comparison found. */
export interface Judgement {
  readonly verdict: Verdict;
  readonly reason?: string;
}

const program = join(import.meta.dirname, "reference.py");
const requirements = join(import.meta.dirname, "requirements.txt");

/** The reference readers, in a Python process that is started again when a file kills it. */
export class Reference implements AsyncDisposable {
  readonly #python: string;
  #process: ChildProcess | undefined;
  #lines: AsyncIterator<string> | undefined;

  private constructor(python: string) {
    this.#python = python;
  }

  /** Installs the readers unless they are there. Throws when that fails. */
  static async start(): Promise<Reference> {
    return new Reference(await pythonWith("conformance", requirements));
  }

  /** Dimensions of a NetCDF file that have variables along them; none when it cannot be read. */
  async dimensions(path: string): Promise<readonly string[]> {
    const { dimensions = [] } = await this.#ask<{ readonly dimensions?: readonly string[] }>({
      op: "dimensions",
      path,
    });
    return dimensions;
  }

  /** Compares the rows of an input with those that Sferic wrote. */
  async compare({ format, path, dimension }: Input, { parts, invalid }: ReadInput): Promise<Judgement> {
    const request = { op: "compare", format, path, parts, invalid, ...(dimension === undefined ? {} : { dimension }) };
    const { verdict, reason } = await this.#ask<Partial<Judgement>>(request);
    if (verdict !== undefined) return { verdict, ...(reason === undefined ? {} : { reason }) };
    return { verdict: parts === null ? "refused-by-both" : "only-sferic", reason: "the reference reader crashed" };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#process?.stdin!.end();
    return Promise.resolve();
  }

  /** The answer to a request; an empty one when the process ends instead. */
  async #ask<Answer extends object>(request: object): Promise<Answer> {
    if (this.#process === undefined) {
      this.#process = spawn(this.#python, [program], { stdio: ["pipe", "pipe", "ignore"] });
      this.#process.stdin!.on("error", () => {});
      this.#lines = createInterface({ input: this.#process.stdout! })[Symbol.asyncIterator]();
    }
    this.#process.stdin!.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.#lines!.next();
    if (done !== true) return JSON.parse(value) as Answer;
    this.#process = undefined;
    return {} as Answer;
  }
}
