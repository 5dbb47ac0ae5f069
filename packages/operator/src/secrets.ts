import { OperatorError } from "./errors.ts";

/** What stands in a text in the place of a secret. */
export const secretMask = "***";

/** Shortest secret that is looked for in texts: "1" or "abc" stand in most of them by chance. */
const lengthMin = 4;
/** Shorter ones are looked for as whole words only: "test" is no part of "latest". */
const anywhereLengthMin = 8;
/** Longer ones are looked for in pieces, so that a part of one is found too. */
const pieceLengthMax = 64;
const depthMax = 100;
/** With more of them, which no honest spec has, each is found as it is and in base64 only. */
const everyWayMax = 200;

const secretName =
  /(passwords?|passwd|pwd|passphrase|passcode|secrets?|token|accesskey|privatekey|secretkey|accountkey|sharedkey|signingkey|encryptionkey|masterkey|apikey|credentials?|authorization|connectionstring)(value|text|pem)?$/;

/** Whether a field of this name holds a secret: `password`, `secretAccessKey`, `sasl_token`; not `accessKeyId`. */
export function isSecretName(name: string): boolean {
  const plain = name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, "");
  return plain === "pass" || secretName.test(plain);
}

/** A part of a text: offsets in UTF-16 units, the end not included. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Secrets that were met, and how they are kept out of texts. A value is found as it is and as JSON, URLs, HTML, base64 and
 * hexadecimal digits write it, also where it is cut off with `…`. Values of fewer than 4 characters are not looked for, and
 * those of fewer than 8 only as whole words. The password of a URL (`scheme://user:password@host`) and secret parameters of
 * its query are found without being known.
 */
export class Secrets {
  /** What finds each; null until it is needed. */
  readonly #patterns = new Map<string, RegExp | null>();
  readonly #asWritten = new Words();
  /** Of their bytes in UTF-8, each as the character of that number. */
  readonly #asBytes = new Words();

  /** How many there are; it only grows. */
  get count(): number {
    return this.#patterns.size;
  }

  /** Keeps a value out of texts from now on; of a text with several lines each long one too. */
  add(value: unknown): void {
    if (typeof value !== "string" && typeof value !== "number") return;
    const text = String(value);
    this.#addOne(text);
    this.#addOne(text.trim());
    const lines = text.split(/[\r\n]+/).map((line) => line.trim());
    if (lines.length === 1) return;
    for (const line of lines) if (line.length >= anywhereLengthMin && !line.startsWith("-----")) this.#addOne(line);
  }

  #addOne(text: string): void {
    for (const piece of piecesOf(text)) {
      if (piece.length < lengthMin || this.#patterns.has(piece)) continue;
      this.#patterns.set(piece, null);
      this.#asWritten.add(piece);
      this.#asBytes.add(Buffer.from(piece).toString("latin1"));
    }
  }

  /** The text with {@link secretMask} in the place of every secret. */
  scrub(text: string): string {
    let result = "";
    let done = 0;
    for (const { start, end } of this.rangesIn(text)) {
      result += text.slice(done, start) + secretMask;
      done = end;
    }
    return result + text.slice(done);
  }

  /** Where secrets stand in a text, in order; the ranges do not touch. */
  rangesIn(text: string): TextRange[] {
    const ranges = inUrls(text);
    if (this.count === 0) return merged(ranges);
    ranges.push(...this.#asWritten.rangesIn(text));
    ranges.push(...encodedRuns(text).filter(({ decoded }) => decoded.some((one) => this.#asBytes.isIn(one))));
    if (this.count <= everyWayMax) ranges.push(...this.#inEveryWay(text));
    return merged(ranges);
  }

  #inEveryWay(text: string): TextRange[] {
    return [...this.#patterns.keys()].flatMap((secret) => Array.from(text.matchAll(this.#patternOf(secret)), rangeOf));
  }

  /**
   * A value with every text in it scrubbed, keys of objects too, and numbers that are known below a secret name; errors become such with
   * their causes and stacks scrubbed. What holds no secret is returned as it is.
   */
  scrubbed<T>(value: T): T {
    return this.#deep(value, [], false) as T;
  }

  #deep(value: unknown, above: readonly unknown[], isSecret: boolean): unknown {
    if (typeof value === "string") return this.scrub(value);
    if (typeof value === "number") return isSecret && this.#patterns.has(String(value)) ? secretMask : value;
    if (typeof value !== "object" || value === null) return value;
    if (above.includes(value) || above.length > depthMax) return secretMask;
    const below = [...above, value];
    if (value instanceof Error) return this.#error(value, below);
    if (Array.isArray(value)) {
      const items = value.map((item) => this.#deep(item, below, isSecret));
      return items.some((item, index) => item !== value[index]) ? items : value;
    }
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) return value;
    const entries = Object.entries(value).map(
      ([key, item]) => [this.scrub(key), this.#deep(item, below, isSecretName(key)), key, item] as const,
    );
    const isSame = entries.every(([key, item, oldKey, oldItem]) => key === oldKey && item === oldItem);
    return isSame ? value : Object.fromEntries(entries.map(([key, item]) => [key, item]));
  }

  #error(error: Error, above: readonly unknown[]): Error {
    const names = new Set([...Object.getOwnPropertyNames(error), "message", "cause", "stack"]);
    const old = Object.fromEntries([...names].map((name) => [name, error[name as keyof Error] as unknown]));
    const own = Object.fromEntries(Object.entries(old).map(([name, item]) => [name, this.#deep(item, above, false)]));
    if (Object.keys(own).every((name) => own[name] === old[name])) return error;
    const { message, stack, cause, ...others } = own as Record<string, unknown> & { message: string };
    const options = Object.hasOwn(error, "cause") ? { cause } : {};
    const clean =
      error instanceof OperatorError
        ? new OperatorError({ ...error.toJSON(), ...others, message }, options)
        : Object.assign(new Error(message, options), others, { name: error.name });
    Object.defineProperty(clean, "stack", { value: stack, configurable: true, writable: true });
    return clean;
  }

  #patternOf(secret: string): RegExp {
    let pattern = this.#patterns.get(secret) ?? null;
    if (pattern === null) {
      pattern = patternOf(secret);
      this.#patterns.set(secret, pattern);
    }
    return pattern;
  }
}

/** A character of words, and what may follow it. */
interface Letter {
  readonly next: Map<string, Letter>;
  isLast: boolean;
}

/** Words that are looked for all at once: the cost does not depend on how many there are. */
class Words {
  readonly #root: Letter = { next: new Map(), isLast: false };

  add(word: string): void {
    let letter = this.#root;
    for (const unit of word.split("")) {
      const next = letter.next.get(unit) ?? { next: new Map<string, Letter>(), isLast: false };
      letter.next.set(unit, next);
      letter = next;
    }
    letter.isLast = true;
  }

  isIn(text: string): boolean {
    for (let at = 0; at < text.length; at++) if (this.#longestAt(text, at).ends.length > 0) return true;
    return false;
  }

  /** Where words stand, short ones as whole words only, and where the beginning of one stands before the dots of a cut. */
  rangesIn(text: string): TextRange[] {
    const ranges: TextRange[] = [];
    for (let start = 0; start < text.length; start++) {
      const { ends, shared } = this.#longestAt(text, start);
      const end = ends.findLast((one) => isFree(text, start, one));
      if (end !== undefined) ranges.push({ start, end });
      else if (shared - start >= lengthMin && /^(…|\.\.\.)/.test(text.slice(shared, shared + 3))) {
        ranges.push({ start, end: shared });
      }
    }
    return ranges;
  }

  /** Where the words end that begin at a place, and how far the beginning of some word goes. */
  #longestAt(text: string, start: number): { ends: number[]; shared: number } {
    const ends: number[] = [];
    let at = start;
    for (let letter = this.#root.next.get(text[at]!); letter !== undefined; letter = letter.next.get(text[at]!)) {
      at += 1;
      if (letter.isLast) ends.push(at);
    }
    return { ends, shared: at };
  }
}

function isFree(text: string, start: number, end: number): boolean {
  if (end - start >= anywhereLengthMin) return true;
  return (
    !/[\p{L}\p{N}]$/u.test(text.slice(Math.max(0, start - 2), start)) &&
    !/^[\p{L}\p{N}]/u.test(text.slice(end, end + 2))
  );
}

/** The text with `*` in the place of every character in the ranges. */
export function maskRanges(text: string, ranges: readonly TextRange[]): string {
  let result = "";
  let done = 0;
  for (const { start, end } of merged(ranges)) {
    result += text.slice(done, start) + text.slice(start, end).replaceAll(/[^]/gu, "*");
    done = end;
  }
  return result + text.slice(done);
}

function piecesOf(text: string): string[] {
  if (text.length <= pieceLengthMax) return [text];
  return text.match(/[^]{1,64}/gu) ?? [];
}

/** What finds a secret, each of its characters as it is or in one of the ways in which formats write it. */
function patternOf(secret: string): RegExp {
  const characters = Array.from(secret, characterPattern).join("");
  if (secret.length >= anywhereLengthMin) return new RegExp(characters, "gu");
  const before = String.raw`(?:(?<![\p{L}\p{N}])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[bfnrt0])|(?<=\\u[0-9A-Fa-f]{4}))`;
  return new RegExp(`${before}(?:${characters})(?![\\p{L}\\p{N}])`, "gu");
}

const htmlNames: Readonly<Record<string, string>> = { "&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos" };
const shortEscapes: Readonly<Record<string, string>> = { "\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f" };

function characterPattern(character: string): string {
  const code = character.codePointAt(0)!;
  const hex = anyCase(code.toString(16));
  const bytes = Array.from(Buffer.from(character), (byte) => `%(?:25)*${anyCase(padded(byte, 2))}`).join("");
  const units = Array.from({ length: character.length }, (_, at) => padded(character.charCodeAt(at), 4));
  const short = shortEscapes[character];
  const name = htmlNames[character];
  const ways = [
    bytes,
    units.map((unit) => String.raw`\\{1,8}u${anyCase(unit)}`).join(""),
    String.raw`\\{1,8}u\{0*${hex}\}`,
    ...(code < 0x100 ? [String.raw`\\{1,8}x${anyCase(padded(code, 2))}`] : []),
    ...(short === undefined ? [] : [String.raw`\\{1,8}${short}`]),
    ...(/["'/\\]/.test(character) ? [String.raw`\\{1,8}${escaped(character)}`] : []),
    `&#(?:[xX]0*${hex}|0*${code});`,
    ...(name === undefined ? [] : [`&${name};`]),
    ...(character === " " ? [String.raw`\+`] : []),
    ...(character === "'" ? ["''"] : []),
    escaped(character),
  ];
  return `(?:${ways.join("|")})`;
}

function padded(code: number, digits: number): string {
  return code.toString(16).padStart(digits, "0");
}

function anyCase(hex: string): string {
  return hex.replaceAll(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
}

function escaped(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/]/u, String.raw`\$&`);
}

/** A part of a text, and what it says if it is base64 or hexadecimal, from each digit that may be the first. */
interface EncodedRun extends TextRange {
  readonly decoded: readonly string[];
}

function encodedRuns(text: string): EncodedRun[] {
  return [...runsOf(text, /[A-Za-z0-9+/_-]{6,}={0,2}/g, "base64", 4), ...runsOf(text, /[0-9A-Fa-f]{8,}/g, "hex", 2)];
}

function runsOf(text: string, pattern: RegExp, encoding: "base64" | "hex", group: number): EncodedRun[] {
  return Array.from(text.matchAll(pattern), (match) => ({
    ...rangeOf(match),
    decoded: Array.from({ length: group }, (_, skipped) =>
      Buffer.from(match[0].slice(skipped), encoding).toString("latin1"),
    ),
  }));
}

const userPart = /[A-Za-z][A-Za-z0-9+.-]{0,20}:\/\/[^\s:/?#@"'<>]{0,256}:(?!\d+(?:[/?#\s"'<>]|$))([^\s"'<>]{0,512})@/dg;
const queryPart = /[?&;]([\w.%-]+)=([^&;#\s"'<>]+)/dg;

/** Where passwords of URLs stand, and secret parameters of their queries. */
function inUrls(text: string): TextRange[] {
  if (!/[@=]/.test(text)) return [];
  const users = Array.from(text.matchAll(userPart), (match) => match.indices![1]!);
  const parameters = [...text.matchAll(queryPart)].filter(
    ([, name]) => isSecretName(name!) || /^(x-amz-)?sig(nature)?$/i.test(name!),
  );
  return [...users, ...parameters.map((match) => match.indices![2]!)].map(([start, end]) => ({ start, end }));
}

/** The passwords in a text that is or holds a URL, as they stand there and as they are meant. */
export function passwordsIn(text: string): string[] {
  // A text that is a URL as a whole may hold one with spaces.
  const whole = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#@:]*:(.*)@/s.exec(text)?.[1];
  const all = inUrls(text).map(({ start, end }) => text.slice(start, end));
  // So may the address of a broker, which has no scheme.
  const address = /^[^\s/?#@:]+:(\S*)@[\w.-]+(?::\d+)?$/.exec(text)?.[1];
  return [...all, ...[whole, address].filter((one) => one !== undefined)].flatMap((written) => {
    try {
      return [written, decodeURIComponent(written)];
    } catch {
      return [written];
    }
  });
}

function rangeOf({ 0: whole, index }: RegExpExecArray): TextRange {
  return { start: index, end: index + whole.length };
}

function merged(ranges: readonly TextRange[]): TextRange[] {
  const result: TextRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.start - b.start)) {
    const last = result.at(-1);
    if (range.end <= range.start) continue;
    if (last !== undefined && range.start <= last.end) {
      result[result.length - 1] = { start: last.start, end: Math.max(last.end, range.end) };
    } else result.push(range);
  }
  return result;
}
