import type { TextRange } from "@sferic/operator/secrets";
import { createScanner, type JSONScanner } from "jsonc-parser";

/** A property of an object, with the place of its key (quotes included). */
export interface JsonProperty {
  readonly key: string;
  readonly keyOffset: number;
  readonly keyLength: number;
  readonly value: JsonNode;
}

/** A value and its place in the text; `missing` stands where a value should be. */
export type JsonNode = { readonly offset: number; readonly length: number } & (
  | { readonly type: "object"; readonly properties: readonly JsonProperty[] }
  | { readonly type: "array"; readonly items: readonly JsonNode[] }
  | { readonly type: "scalar"; readonly value: string | number | boolean | null }
  | { readonly type: "missing" }
);

/** A syntax error. With `replace` the tree is what the text means once the range is replaced. */
export interface SyntaxProblem {
  readonly code: "invalid-json" | "nested-too-deep";
  readonly message: string;
  readonly offset: number;
  readonly length: number;
  readonly replace?: string;
}

/** Tokens of the scanner; its own names are const enums, which erasable TypeScript cannot use. */
const token = {
  openBrace: 1,
  closeBrace: 2,
  openBracket: 3,
  closeBracket: 4,
  comma: 5,
  colon: 6,
  null: 7,
  true: 8,
  false: 9,
  string: 10,
  number: 11,
  lineComment: 12,
  blockComment: 13,
  lineBreak: 14,
  space: 15,
  unknown: 16,
  end: 17,
} as const;

const depthMax = 64;
const problemsMax = 20;
const ignoredMax = 200;

/** What {@link parseJson} found. */
export interface JsonReading {
  readonly root: JsonNode;
  readonly problems: readonly SyntaxProblem[];
  /** Whether the tree is what the text says, once every problem's `replace` is applied. */
  readonly sound: boolean;
  /** Where comments stand, allowed or not. */
  readonly comments: readonly TextRange[];
  /** Where reading ended: before the end of a text that is no JSON by far. */
  readonly end: number;
}

/**
 * Reads JSON and goes on after errors, so that one reading finds many (at most 20). With `comments` the text may hold
 * `//` and block comments. Never throws.
 */
export function parseJson(text: string, comments: boolean): JsonReading {
  const parser = new Parser(text, comments);
  const root = parser.document();
  const { problems, sound, end } = parser;
  return { root, problems, sound, comments: parser.comments, end };
}

class Parser {
  readonly problems: SyntaxProblem[] = [];
  readonly comments: TextRange[] = [];
  /** Where reading ended. */
  end: number;
  readonly #text: string;
  readonly #comments: boolean;
  readonly #scanner: JSONScanner;
  #token: number = token.unknown;
  /** Where the last token that was taken ended. */
  #takenEnd = 0;
  #depth = 0;
  #endReported = false;
  /** After an error that cannot be repaired the rest of its line is not believed. */
  #doubtfulUntil = -1;
  #stopped = false;
  #ignored = 0;

  constructor(text: string, comments: boolean) {
    this.#text = text;
    this.end = text.length;
    this.#comments = comments;
    this.#scanner = createScanner(text, false);
    if (text.startsWith("\uFEFF")) this.#scanner.setPosition(1);
    this.#scan();
  }

  get sound(): boolean {
    return !this.#stopped && this.#ignored === 0 && this.problems.every((problem) => problem.replace !== undefined);
  }

  document(): JsonNode {
    if (this.#token === token.end) {
      if (this.problems.length === 0) this.#problem("there is no spec here: the text is empty", 0, 0);
      return { type: "missing", offset: 0, length: 0 };
    }
    const root = this.#value();
    if (this.#token !== token.end) this.#unexpected("there is more text after the end of the spec");
    return root;
  }

  #value(): JsonNode {
    const offset = this.#offset;
    const length = this.#length;
    switch (this.#token) {
      case token.openBrace:
        return this.#nested(() => this.#object());
      case token.openBracket:
        return this.#nested(() => this.#array());
      case token.string:
        return { type: "scalar", value: this.#string(), offset, length };
      case token.number:
        return this.#number();
      case token.true:
      case token.false:
      case token.null: {
        const word = this.#tokenText;
        this.#take();
        return { type: "scalar", value: word === "null" ? null : word === "true", offset, length };
      }
      case token.unknown:
        return this.#unknown();
      default:
        if (this.#token !== token.end) this.#unexpected(`a value is missing before ${quoted(this.#tokenText)}`);
        else this.#ended("a value");
        return { type: "missing", offset, length: 0 };
    }
  }

  #nested(read: () => JsonNode): JsonNode {
    if (this.#depth === depthMax) {
      const offset = this.#offset;
      this.problems.push({
        code: "nested-too-deep",
        message: `this is nested more than ${depthMax} levels deep; a spec may not be`,
        offset,
        length: 1,
      });
      this.#stop();
      return { type: "missing", offset, length: 0 };
    }
    this.#depth++;
    const node = read();
    this.#depth--;
    return node;
  }

  #object(): JsonNode {
    const offset = this.#offset;
    const properties: JsonProperty[] = [];
    this.#take();
    while (this.#continues("{", offset, token.closeBrace)) {
      const key = this.#key();
      if (key === undefined) continue;
      if (this.#token === token.colon) this.#take();
      else this.#problem('a ":" is missing after this name', key.keyOffset, key.keyLength, `${this.#slice(key)}:`);
      properties.push({ ...key, value: this.#value() });
      this.#separator(token.closeBrace);
    }
    return { type: "object", properties, offset, length: this.#takenEnd - offset };
  }

  #array(): JsonNode {
    const offset = this.#offset;
    const items: JsonNode[] = [];
    this.#take();
    while (this.#continues("[", offset, token.closeBracket)) {
      if (this.#token === token.colon) {
        this.#unexpected('a list has no names: remove the ":" or use { … }');
        this.#take();
        continue;
      }
      items.push(this.#value());
      this.#separator(token.closeBracket);
    }
    return { type: "array", items, offset, length: this.#takenEnd - offset };
  }

  /** Whether the object or list goes on; takes what closes it and stray commas. */
  #continues(open: "{" | "[", offset: number, close: number): boolean {
    while (this.#token === token.comma) {
      this.#problem("there is nothing before this comma", this.#offset, 1, "");
      this.#take();
    }
    if (this.#token === token.end) {
      this.#ended(`the ${quoted(open)} of line ${this.#text.slice(0, offset).split(/\r\n|\n|\r/).length} is closed`);
      return false;
    }
    if (this.#token !== token.closeBrace && this.#token !== token.closeBracket) return true;
    const expected = open === "{" ? "}" : "]";
    if (this.#token !== close) this.#unexpected(`${quoted(expected)} is expected here, not ${quoted(this.#tokenText)}`);
    this.#take();
    return false;
  }

  #key(): Omit<JsonProperty, "value"> | undefined {
    const keyOffset = this.#offset;
    if (this.#token === token.string) {
      const keyLength = this.#length;
      return { key: this.#string(), keyOffset, keyLength };
    }
    const quote = this.#foreignQuote();
    if (quote !== undefined) return { key: quote, keyOffset, keyLength: this.#takenEnd - keyOffset };
    const word = this.#tokenText;
    if (!/^[\p{L}\p{N}_$.-]+$/u.test(word)) {
      this.#unexpected("a name in double quotes is expected here");
      this.#take();
      return undefined;
    }
    this.#problem("a name stands in double quotes", keyOffset, word.length, JSON.stringify(word));
    this.#take();
    return { key: word, keyOffset, keyLength: word.length };
  }

  #separator(close: number): void {
    if (this.#token === token.comma) {
      const offset = this.#offset;
      this.#take();
      if (this.#token === close) this.#problem("a comma may not stand before the end", offset, 1, "");
      return;
    }
    const ends: number[] = [token.closeBrace, token.closeBracket, token.end];
    if (ends.includes(this.#token)) return;
    if (this.#token === token.colon || /^[;=>]/.test(this.#tokenText)) {
      this.#unexpected(`${quoted(this.#tokenText)} cannot stand here; a comma is expected`);
      this.#take();
      return;
    }
    const last = Math.max(0, this.#takenEnd - 1);
    this.#problem("a comma is missing after this", last, 1, `${this.#text.slice(last, this.#takenEnd)},`);
  }

  /** Takes a string token; the value is what could be read. */
  #string(): string {
    const message = stringProblems[this.#scanner.getTokenError()];
    if (message !== undefined) this.#problem(message, this.#offset, this.#length);
    const value = this.#scanner.getTokenValue();
    this.#take();
    return value;
  }

  #number(): JsonNode {
    const offset = this.#offset;
    this.#take();
    // "01", "0x10" and "5s" reach us as two adjacent tokens.
    const glued = this.#token === token.number || this.#token === token.unknown;
    if (glued && this.#offset === this.#takenEnd && !/^[;=>'"#]/.test(this.#tokenText)) this.#take();
    return this.#word(offset, this.#slice({ keyOffset: offset, keyLength: this.#takenEnd - offset }));
  }

  #unknown(): JsonNode {
    const offset = this.#offset;
    const quote = this.#foreignQuote();
    if (quote !== undefined) return { type: "scalar", value: quote, offset, length: this.#takenEnd - offset };
    const word = this.#tokenText;
    this.#take();
    return this.#word(offset, word);
  }

  /** A value from a bare word: a number, or something that only another language knows. */
  #word(offset: number, word: string): JsonNode {
    const length = word.length;
    if (/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(word)) {
      return { type: "scalar", value: Number(word), offset, length };
    }
    const number = Number(word);
    if (/\d/.test(word) && Number.isFinite(number)) {
      this.#problem(`${quoted(word)} is not how JSON writes a number`, offset, length, String(number));
      return { type: "scalar", value: number, offset, length };
    }
    const meant = foreignWords.get(word);
    if (meant !== undefined) {
      this.#problem(`JSON writes ${quoted(word)} as ${meant}`, offset, length, String(meant));
      return { type: "scalar", value: meant, offset, length };
    }
    if (/^[+-]?(NaN|Infinity)$/.test(word)) {
      this.#problem(`JSON has no ${word}`, offset, length);
    } else if (/^[\p{L}\p{N}_$./][\p{L}\p{N}_$./:*-]*$/u.test(word)) {
      this.#problem("text stands in double quotes", offset, length, JSON.stringify(word));
      return { type: "scalar", value: word, offset, length };
    } else {
      this.#problem(`${quoted(word)} cannot stand here`, offset, length);
    }
    return { type: "missing", offset, length };
  }

  /** Takes text in single, back or typographic quotes and gives its content; undefined when there is none here. */
  #foreignQuote(): string | undefined {
    const pattern = foreignQuotes.get(this.#text[this.#offset] ?? "");
    if (pattern === undefined || this.#token !== token.unknown) return undefined;
    const offset = this.#offset;
    const whole = this.#match(pattern, offset);
    if (whole === undefined) return undefined;
    const content = whole.slice(1, -1).replaceAll("\\'", "'");
    this.#problem("text stands in double quotes", offset, whole.length, JSON.stringify(content));
    this.#scanner.setPosition(offset + whole.length);
    this.#takenEnd = offset + whole.length;
    this.#scan();
    return content;
  }

  get #offset(): number {
    return this.#scanner.getTokenOffset();
  }

  get #length(): number {
    return this.#scanner.getTokenLength();
  }

  get #tokenText(): string {
    return this.#text.slice(this.#offset, this.#offset + this.#length);
  }

  #slice(key: { keyOffset: number; keyLength: number }): string {
    return this.#text.slice(key.keyOffset, key.keyOffset + key.keyLength);
  }

  #take(): void {
    this.#takenEnd = this.#offset + this.#length;
    if (this.#token !== token.end) this.#scan();
  }

  /** Goes to the next token that is neither space nor comment. */
  #scan(): void {
    while (!this.#stopped) {
      this.#token = this.#scanner.scan();
      if (this.#token === token.unknown && this.#text[this.#offset] === "#") this.#hashComment();
      else if (this.#token === token.lineComment || this.#token === token.blockComment) {
        this.#comment();
      } else if (this.#token !== token.space && this.#token !== token.lineBreak) return;
    }
  }

  #comment(): void {
    this.comments.push({ start: this.#offset, end: this.#offset + this.#length });
    if ((this.#scanner.getTokenError() as number) === unclosedComment) {
      this.#problem("this comment is never closed", this.#offset, 2);
    } else if (!this.#comments) {
      this.#problem("comments are allowed only in .jsonc files", this.#offset, this.#length, "");
    }
  }

  #hashComment(): void {
    const length = this.#match(/[^\r\n]*/y, this.#offset)?.length ?? 0;
    const message = this.#comments ? "a comment begins with //" : "comments are allowed only in .jsonc files";
    this.comments.push({ start: this.#offset, end: this.#offset + length });
    this.#problem(message, this.#offset, length, "");
    this.#scanner.setPosition(this.#offset + length);
  }

  #unexpected(message: string): void {
    this.#problem(message, this.#offset, this.#length);
  }

  #ended(before: string): void {
    if (this.#endReported) return;
    this.#endReported = true;
    this.#problem(`the text ends before ${before}`, this.#text.trimEnd().length, 1);
  }

  #problem(message: string, offset: number, length: number, replace?: string): void {
    if (offset < this.#doubtfulUntil || this.problems.length === problemsMax) {
      this.#ignored++;
      if (this.#ignored === ignoredMax) this.#stop();
      return;
    }
    const fix = replace === undefined ? {} : { replace };
    this.problems.push({ code: "invalid-json", message, offset, length, ...fix });
    if (replace === undefined) {
      const lineEnd = this.#match(/[^\r\n]*/y, offset)?.length ?? 0;
      this.#doubtfulUntil = offset + lineEnd + 1;
    }
  }

  /** Gives up: everything after this is the end. */
  #stop(): void {
    if (!this.#stopped) this.end = this.#offset + this.#length;
    this.#stopped = true;
    this.#endReported = true;
    this.#token = token.end;
  }

  /** What a sticky pattern finds at an offset. */
  #match(pattern: RegExp, offset: number): string | undefined {
    pattern.lastIndex = offset;
    return pattern.exec(this.#text)?.[0];
  }
}

const foreignQuotes = new Map([
  ["'", /'(?:\\.|[^\\'\r\n])*'/y],
  ["`", /`[^`\r\n]*`/y],
  ["\u201C", /\u201C[^\u201C\u201D\r\n]*[\u201C\u201D]/y],
  ["\u201D", /\u201D[^\u201C\u201D\r\n]*[\u201C\u201D]/y],
  ["\u2018", /\u2018[^\u2018\u2019\r\n]*[\u2018\u2019]/y],
]);

const foreignWords = new Map<string, boolean | null>([
  ["True", true],
  ["TRUE", true],
  ["False", false],
  ["FALSE", false],
  ["None", null],
  ["NULL", null],
  ["nil", null],
  ["undefined", null],
]);

/** Error numbers of the scanner. */
const unclosedComment = 1;
const stringProblems: Readonly<Record<number, string>> = {
  2: "this text has no closing double quote on its line",
  4: "\\u takes four hexadecimal digits",
  5: "there is an unknown escape in this text; write a backslash as \\\\",
  6: "there is a control character in this text; write a tab as \\t",
};

function quoted(text: string): string {
  return `"${text.length > 40 ? `${text.slice(0, 39)}…` : text}"`;
}

/** The plain value of a tree. Keys that reach into an object's prototype are left out; of equal keys the last wins. */
export function plainValue(node: JsonNode): unknown {
  switch (node.type) {
    case "object": {
      const kept = node.properties.filter((property) => !isForbiddenKey(property.key));
      return Object.fromEntries(kept.map((property) => [property.key, plainValue(property.value)]));
    }
    case "array":
      return node.items.map(plainValue);
    case "scalar":
      return node.value;
    case "missing":
      return null;
  }
}

/** Whether a key could reach into an object's prototype. */
export function isForbiddenKey(key: string): boolean {
  return key === "__proto__" || key === "constructor" || key === "prototype";
}
