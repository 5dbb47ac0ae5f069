import { createInterface } from "node:readline";

/** What one repetition is made of; as peers/serve.py. */
export interface Work<Result> {
  readonly versions: Readonly<Record<string, string>>;
  /** Untimed, ahead of each repetition. */
  readonly before?: () => Promise<void>;
  /** Timed. */
  readonly work: (repetition: number) => Promise<Result>;
  /** Untimed: what it gave. Lets go of the result. */
  readonly values: (result: Result) => Promise<object> | object;
  /** Seconds are per part when one repetition does several. */
  readonly parts?: number;
}

/** Answers one line of JSON per line of standard input, until it ends. */
export async function serve<Result>({ versions, before, work, values, parts = 1 }: Work<Result>): Promise<void> {
  tell({ versions, peakMemoryBytes: peakMemoryBytes() });
  for await (const line of createInterface({ input: process.stdin })) {
    const { repetition } = JSON.parse(line) as { repetition: number };
    await before?.();
    const started = performance.now();
    const result = await work(repetition);
    const seconds = (performance.now() - started) / 1000 / parts;
    tell({ seconds, peakMemoryBytes: peakMemoryBytes(), ...(await values(result)) });
  }
}

function peakMemoryBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}

function tell(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
