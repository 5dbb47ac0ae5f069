import type { ScreenStream } from "../screen.ts";

const escape = "\u001B[";

/** A terminal of endless height that understands line ends, cursor up and clear to the end (ECMA-48 CUU and ED), nothing else. */
export class RecordedScreen implements ScreenStream {
  readonly isTTY = true;
  readonly rows = 40;
  columns: number;
  /** All that was written, as it came. */
  written = "";
  /** Lines as they were written, before the terminal breaks them. */
  #logical: string[] = [];

  constructor(columns: number) {
    this.columns = columns;
  }

  /** What is to be seen. */
  get lines(): string[] {
    return this.#logical.flatMap((line) => this.#broken(line));
  }

  write(text: string): boolean {
    this.written += text;
    const [plain = "", ...sequences] = text.split(escape);
    this.#print(plain);
    for (const sequence of sequences) {
      const [, count = "", letter, rest = ""] = /^(\d*)([A-Za-z])([^]*)$/.exec(sequence) ?? [];
      if (letter === "A") this.#logical = this.lines.slice(0, Math.max(0, this.lines.length - Number(count)));
      this.#print(rest);
    }
    return true;
  }

  #print(text: string): void {
    this.#logical.push(...text.split("\n").slice(0, -1));
  }

  #broken(line: string): string[] {
    return line === "" ? [""] : (line.match(new RegExp(`.{1,${this.columns}}`, "gu")) ?? []);
  }
}
