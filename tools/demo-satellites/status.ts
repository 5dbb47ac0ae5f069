/** How far the events have come. */
export interface Progress {
  readonly seconds: number;
  /** Events there will be. */
  readonly events: number;
  /** Events in the topic. */
  readonly sent: number;
  /** Events in the table. */
  readonly stored: number;
  /** Versions of the table. */
  readonly commits: number;
}

/** One line: rows, lag and commits. */
export function progressText({ seconds, events, sent, stored, commits }: Progress): string {
  const parts = [
    `${seconds.toFixed(0).padStart(4)} s`,
    `sent ${count(sent)} of ${count(events)}`,
    `in the table ${count(stored)}`,
    `lag ${count(sent - stored)}`,
    `commits ${count(commits)}`,
  ];
  return parts.join("   ");
}

function count(value: number): string {
  return value.toLocaleString("en-GB");
}

/** Milliseconds between lines where nothing can be drawn over. */
const plainEveryMs = 5000;

/** Shows progress on standard error: in place on a terminal, as a line every five seconds elsewhere. */
export class StatusLine {
  readonly #isLive = process.stderr.isTTY && process.env["CI"] === undefined && process.env["TERM"] !== "dumb";
  #shownMs = Number.NEGATIVE_INFINITY;

  show(text: string): void {
    if (this.#isLive) {
      process.stderr.write(`\r\u001B[2K${text.slice(0, Math.max(1, process.stderr.columns - 1))}`);
      return;
    }
    if (performance.now() - this.#shownMs < plainEveryMs) return;
    this.#shownMs = performance.now();
    process.stderr.write(`${text}\n`);
  }

  /** The last word of it, which stays. */
  end(text: string): void {
    process.stderr.write(this.#isLive ? `\r\u001B[2K${text}\n` : `${text}\n`);
  }
}
