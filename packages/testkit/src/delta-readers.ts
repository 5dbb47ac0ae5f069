import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

const service = join(import.meta.dirname, "../../../tools/services/spark/main.ts");

/** Who answers: Delta Lake on Spark, or DuckDB's reader of Delta tables. */
export type DeltaReader = "spark" | "duckdb";

/** A row as a reader gave it; what JSON does not have is text. */
export type AnsweredRow = Readonly<Record<string, unknown>>;

/**
 * A process that answers SQL over Delta tables with programs that are not ours; disposing ends it. One question at a time.
 * Spark starts with the first question to it (6 to 20 s); the first start on a machine downloads some 500 MB.
 */
export class DeltaReaders implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  #log = "";

  constructor() {
    this.#process = spawn(process.execPath, [service], { stdio: ["pipe", "pipe", "pipe"] });
    this.#answers = createInterface({ input: this.#process.stdout! })[Symbol.asyncIterator]();
    this.#process.stderr!.on("data", (text: Buffer) => (this.#log = `${this.#log}${text.toString()}`.slice(-8192)));
  }

  /** Rows that a statement gives. Throws with the reader's words when it fails. */
  async query(reader: DeltaReader, sql: string): Promise<AnsweredRow[]> {
    this.#process.stdin!.write(`${JSON.stringify({ reader, sql })}\n`);
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error(`The process that asks ${reader} has ended:\n${this.#log}`);
    const { rows, error } = JSON.parse(value as string) as { rows?: AnsweredRow[]; error?: string };
    if (rows === undefined) throw new Error(`${reader} refused: ${error}\n${sql}`);
    return rows;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const ended = once(this.#process, "exit");
    this.#process.stdin!.end();
    await ended;
  }
}
