import { styleText } from "node:util";
import { visible } from "@sferic/operator/visible";

/** The part of a process stream that a screen needs. */
export interface ScreenStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): boolean;
}

/** A line of a drawing; what is not `bright` steps back. */
export interface ScreenLine {
  readonly text: string;
  readonly isBright: boolean;
}

/** Lines of a screen that are left to others, such as the progress of a run below a drawing. */
const linesForOthers = 12;
const linesMin = 8;

/** Standard output as sinks share it: texts that stay, and on a terminal one drawing at a time that changes in its place. */
export class Screen {
  readonly #stream: ScreenStream;
  readonly #environment: Readonly<Record<string, string | undefined>>;
  /** Whose drawing stands last, and how wide its lines are; nothing was written since. */
  #drawn: { readonly owner: object; readonly widths: readonly number[] } | undefined;

  constructor(stream: ScreenStream, environment: Readonly<Record<string, string | undefined>>) {
    this.#stream = stream;
    this.#environment = environment;
  }

  /** Whether a drawing can be changed in its place. */
  get isLive(): boolean {
    return this.#stream.isTTY === true && this.#environment["TERM"] !== "dumb" && !this.#environment["CI"];
  }

  /** Lines that a drawing may have. */
  get lines(): number {
    return Math.max(linesMin, (this.#stream.rows || 24) - linesForOthers);
  }

  /** A text that stays; control characters other than line breaks are written as escapes. */
  write(text: string): void {
    this.#drawn = undefined;
    this.#stream.write(visible(text, "\n"));
  }

  /** Puts lines in the place of those that the same owner drew last, each cut to the width of the screen. */
  draw(owner: object, lines: readonly ScreenLine[]): void {
    const columns = this.#columns;
    const texts = lines
      .map(({ text }) => visible(text))
      .map((text) => (text.length < columns ? text : `${text.slice(0, columns - 2)}…`));
    const painted = texts.map((text, at) => (lines[at]!.isBright ? text : this.#dimmed(text)));
    this.#stream.write(`${this.#back(owner)}${painted.map((text) => `${text}\n`).join("")}`);
    this.#drawn = { owner, widths: texts.map(({ length }) => length) };
  }

  get #columns(): number {
    // A terminal that does not know its width says 0.
    return Math.max(4, this.#stream.columns || 80);
  }

  /** Leads the cursor back to the first line of the owner's drawing, if that stands last, and clears what follows. */
  #back(owner: object): string {
    if (this.#drawn?.owner !== owner) return "";
    // In a window that has become narrower since, a line takes several.
    const height = this.#drawn.widths.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / this.#columns)), 0);
    return `\u001B[${height}A\u001B[0J`;
  }

  #dimmed(text: string): string {
    return this.#environment["NO_COLOR"] ? text : styleText("dim", text, { validateStream: false });
  }
}
