import { type Issue, withHiddenFix } from "./issue.ts";
import { type JsonNode, type JsonProperty, plainValue } from "./json.ts";
import { Lines } from "./lines.ts";
import { fromPointer } from "./pointer.ts";
import type { SpecSecrets } from "./secret.ts";

/** What {@link SpecDocument.issueAt} makes an {@link Issue} of. */
export interface Problem {
  code: string;
  message: string;
  /** JSON pointer; where nothing stands there, the nearest value around it is meant. */
  pointer: string;
  /** Characters (UTF-16 units) into the text value at the pointer, as it is with parameters filled in. */
  offset?: number;
  /** With `offset`: how many units; to the end by default. */
  length?: number;
  /** See {@link Issue.hint}. */
  hint?: string;
  severity?: "error" | "warning";
  /** Whether the key at the pointer is meant rather than the value. */
  keyRange?: boolean;
  /**
   * What to put in place of the range, null for nothing. By default the hint in quotes for a code `unknown-…` on a key
   * or a whole text, and nothing otherwise.
   */
  replace?: string | null;
}

/** A part of a text value that a parameter or environment variable filled in. */
export interface FilledPart {
  /** Range in the text as written, quotes not counted and escapes resolved. */
  readonly start: number;
  readonly end: number;
  /** Units that stand there once filled in. */
  readonly filledLength: number;
}

interface Range {
  start: number;
  end: number;
}

/** A spec's text and the place of everything in it. */
export class SpecDocument {
  readonly text: string;
  /** Name to show; null when the spec came without a file. */
  readonly file: string | null;
  readonly lines: Lines;
  /** What of it is secret: no issue holds it, nor does {@link shownLine}. */
  readonly secrets: SpecSecrets;
  readonly #root: JsonNode;
  readonly #filled: ReadonlyMap<string, readonly FilledPart[]>;
  readonly #children = new Map<JsonNode, Map<string, JsonProperty>>();

  constructor(
    text: string,
    file: string | null,
    reading: { readonly root: JsonNode; readonly secrets: SpecSecrets },
    filled: ReadonlyMap<string, readonly FilledPart[]> = new Map(),
  ) {
    this.text = text;
    this.file = file;
    this.lines = new Lines(text);
    this.#root = reading.root;
    this.secrets = reading.secrets;
    this.#filled = filled;
  }

  /** The JSON as written: placeholders stand as they are. */
  get value(): unknown {
    return plainValue(this.#root);
  }

  /** The same document, knowing what was filled in where (by pointer), so that offsets count in the filled text. */
  withFilled(filled: ReadonlyMap<string, readonly FilledPart[]>): SpecDocument {
    return new SpecDocument(this.text, this.file, { root: this.#root, secrets: this.secrets }, filled);
  }

  /** The text of a line, without its end, with `*` in the place of every character of a secret. */
  shownLine(line: number): string {
    return this.secrets.shownLine(this.lines.rangeOf(line));
  }

  /**
   * The issue for a problem, with its place in the text: of the value at the pointer, of its key, or of a part inside a
   * text value (JSON escapes and filled-in parameters accounted for). Never throws; cost O(depth) after the first call.
   */
  issueAt(problem: Problem): Issue {
    const range = this.#rangeOf(problem);
    return this.issueInRange(problem, range.start, range.end);
  }

  /** The issue for a problem at offsets (UTF-16 units) of the whole text. */
  issueInRange(problem: Problem, start: number, end: number): Issue {
    const place = this.lines.at(start);
    const lineEnd = Math.min(end, this.lines.endOfLine(start));
    const replace = problem.replace === undefined ? this.#nameFix(problem, start) : problem.replace;
    const shown = (text: string): string => this.secrets.shownText(text, problem.pointer, { start, end });
    const issue = {
      code: problem.code,
      severity: problem.severity ?? "error",
      message: shown(problem.message),
      pointer: this.secrets.shownPointer(problem.pointer),
      ...place,
      length: Math.max(1, this.lines.characters(start, lineEnd)),
      hint: problem.hint === undefined ? null : shown(problem.hint),
      fix: null,
    };
    if (replace === null) return issue;
    return shown(replace) === replace ? { ...issue, fix: { replace } } : withHiddenFix(issue, replace);
  }

  #nameFix(problem: Problem, start: number): string | null {
    const named = problem.code.startsWith("unknown-") && problem.hint !== undefined && problem.offset === undefined;
    return named && this.text[start] === '"' ? JSON.stringify(problem.hint) : null;
  }

  #rangeOf(problem: Problem): Range {
    const { node, property, exact } = this.#find(problem.pointer);
    if (property !== undefined && (problem.keyRange === true || !exact)) {
      return { start: property.keyOffset, end: property.keyOffset + property.keyLength };
    }
    if (problem.offset !== undefined && exact && node.type === "scalar" && typeof node.value === "string") {
      return this.#insideText(node, problem.pointer, problem.offset, problem.length ?? node.value.length);
    }
    if (node === this.#root && node.type !== "scalar") return { start: node.offset, end: node.offset + 1 };
    return { start: node.offset, end: node.offset + node.length };
  }

  /** The deepest value on the way to the pointer. */
  #find(pointer: string): { node: JsonNode; property: JsonProperty | undefined; exact: boolean } {
    let node = this.#root;
    let property: JsonProperty | undefined;
    for (const part of fromPointer(pointer)) {
      if (node.type === "array") {
        const item = node.items[Number(part)];
        if (item === undefined) return { node, property, exact: false };
        [node, property] = [item, undefined];
      } else {
        const next = this.#propertiesOf(node).get(part);
        if (next === undefined) return { node, property, exact: false };
        [node, property] = [next.value, next];
      }
    }
    return { node, property, exact: true };
  }

  #propertiesOf(node: JsonNode): Map<string, JsonProperty> {
    let found = this.#children.get(node);
    if (found === undefined) {
      const properties = node.type === "object" ? node.properties : [];
      found = new Map(properties.map((property) => [property.key, property]));
      this.#children.set(node, found);
    }
    return found;
  }

  #insideText(node: JsonNode, pointer: string, offset: number, length: number): Range {
    const parts = this.#filled.get(pointer) ?? [];
    const start = unfilled(offset, parts, "start");
    const end = unfilled(offset + length, parts, "end");
    const raw = this.text.slice(node.offset + 1, node.offset + node.length - 1);
    const from = node.offset + 1 + escapedOffset(raw, start);
    return { start: from, end: Math.max(from, node.offset + 1 + escapedOffset(raw, end)) };
  }
}

/** The offset as written for an offset in the filled text; the inside of a filled part means its whole placeholder. */
function unfilled(offset: number, parts: readonly FilledPart[], side: "start" | "end"): number {
  let grown = 0;
  for (const part of parts) {
    const filledStart = part.start + grown;
    const filledEnd = filledStart + part.filledLength;
    if (side === "start" ? offset < filledStart : offset <= filledStart) break;
    if (side === "start" ? offset < filledEnd : offset <= filledEnd) return side === "start" ? part.start : part.end;
    grown += part.filledLength - (part.end - part.start);
  }
  return Math.max(0, offset - grown);
}

/** How far into the escaped text a number of units reaches. */
function escapedOffset(raw: string, units: number): number {
  let position = 0;
  for (let count = 0; count < units && position < raw.length; count++) {
    if (raw[position] !== "\\") position += 1;
    else position += raw[position + 1] === "u" ? 6 : 2;
  }
  return Math.min(position, raw.length);
}
