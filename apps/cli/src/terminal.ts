import { randomBytes } from "node:crypto";
import { styleText } from "node:util";
import { Secrets } from "@sferic/operator/secrets";
import { visible } from "@sferic/operator/visible";

/** The styles that texts for people use. */
export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Styles a text, or leaves it as it is where nobody would see colours. */
export type Paint = (style: Style, text: string) => string;

/** The part of a process stream that a terminal needs. */
export interface OutputStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): boolean;
}

/** Where a command writes: data to `out`, everything else to `err`. */
export class Terminal {
  /** Whether progress may be redrawn in place. */
  readonly live: boolean;
  /** What is in no text here but that of {@link write}. */
  readonly secrets = new Secrets();
  readonly paintOut: Paint;
  readonly paintErr: Paint;
  /** Whether codes for colours may go to standard output. */
  readonly colorOut: boolean;
  readonly colorErr: boolean;
  readonly #out: OutputStream;
  readonly #err: OutputStream;

  constructor(out: OutputStream, err: OutputStream, environment: Readonly<Record<string, string | undefined>>) {
    this.#out = out;
    this.#err = err;
    const dumb = environment["TERM"] === "dumb";
    const colors = !dumb && !environment["NO_COLOR"];
    this.colorOut = colors && out.isTTY === true;
    this.colorErr = colors && err.isTTY === true;
    this.live = err.isTTY === true && !dumb && !environment["CI"];
    this.paintOut = this.colorOut ? styled : plain;
    this.paintErr = this.colorErr ? styled : plain;
  }

  /** Characters per line of the error stream. */
  get columns(): number {
    // A terminal that does not know its width says 0.
    return this.#err.columns || 80;
  }

  /** One or more lines of data; control characters other than line breaks are shown, see {@link visible}, tabs are blanks. */
  print(text: string): void {
    this.#out.write(`${this.#shown(text)}\n`);
  }

  /** One line of JSON. */
  printJson(value: unknown): void {
    this.#out.write(`${this.#json(value)}\n`);
  }

  /** One line of JSON that is not data. */
  noteJson(value: unknown): void {
    this.#err.write(`${this.#json(value)}\n`);
  }

  /** Text whose tabs and line ends stay as they are; other control characters as in {@link print}. */
  write(text: string): void {
    const lines = text.split("\r\n").map((line) => visible(line, "\n\t"));
    this.#out.write(lines.join("\r\n"));
  }

  /** One or more lines that are not data; control characters as in {@link print}. */
  note(text: string): void {
    this.#err.write(`${this.#shown(text)}\n`);
  }

  /** To the error stream without a line break at the end, for {@link erase}; control characters as in {@link print}. */
  draw(text: string): void {
    this.#err.write(this.#shown(text));
  }

  #json(value: unknown): string {
    return visible(JSON.stringify(this.secrets.scrubbed(value)));
  }

  /** Secrets as stars, control characters as escapes, and our own colours as they are. */
  #shown(text: string): string {
    const scrubbed = this.secrets.scrub(text);
    return visible(scrubbed.replaceAll("\t", " "), "\n").replaceAll(mark, "\u001B");
  }

  /** Clears what was drawn since so many line breaks, of which the last is then the newest, and leads the cursor back. */
  erase(lines: number): void {
    this.#err.write(lines === 0 ? "\r\u001B[0K" : `\u001B[${lines}A\u001B[0J`);
  }
}

/**
 * Stands for the escape character of our own colours until a text is written, so that those of others are not taken for it:
 * no text can hold it by trying.
 */
const mark = String.fromCodePoint(...Array.from(randomBytes(8), (byte) => 0xf0000 + byte));

const styled: Paint = (style, text) => {
  const [open, close] = styleText(style, "|", { validateStream: false }).replaceAll("\u001B", mark).split("|");
  return `${open}${text}${close}`;
};

const plain: Paint = (_, text) => text;

/**
 * The terminal of this process. A reader that goes away, such as `head`, ends the output without a word; output that
 * fails in another way, such as into a full disk, is told, and `onFailure` is called.
 */
export function processTerminal(onFailure: () => void): Terminal {
  process.stderr.on("error", () => {});
  process.stdout.on("error", ({ code, message }: NodeJS.ErrnoException) => {
    if (code === "EPIPE") return;
    onFailure();
    process.stderr.write(`error[output-failed]: Standard output cannot be written: ${visible(message)}.\n`);
  });
  return new Terminal(process.stdout, process.stderr, process.env);
}
