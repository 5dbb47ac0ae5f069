import { type OutputStream, Terminal } from "../terminal.ts";

/** A stream that keeps what is written. */
export class RecordedStream implements OutputStream {
  text = "";
  readonly isTTY: boolean;
  readonly columns = 100;

  constructor(isTTY: boolean) {
    this.isTTY = isTTY;
  }

  write(text: string): boolean {
    this.text += text;
    return true;
  }
}

/** A terminal that keeps what it is told. */
export function recordedTerminal(options: { isTTY?: boolean; environment?: Record<string, string> } = {}): {
  terminal: Terminal;
  out: RecordedStream;
  err: RecordedStream;
} {
  const out = new RecordedStream(options.isTTY ?? false);
  const err = new RecordedStream(options.isTTY ?? false);
  return { terminal: new Terminal(out, err, options.environment ?? {}), out, err };
}
