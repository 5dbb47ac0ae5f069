import { isSecretName, maskRanges, passwordsIn, Secrets, type TextRange } from "@sferic/operator/secrets";
import type { JsonNode, JsonProperty, JsonReading } from "./json.ts";
import { fromPointer, isObject, type Path, toPointer } from "./pointer.ts";

/** Sections whose keys are names that the author gives: of operators, connections and parameters, not of fields. */
const sectionsOfNames = new Set<PropertyKey>(["sources", "transforms", "sinks", "connections", "parameters"]);
/** Fields of operators whose keys are names of columns. */
const fieldsOfColumns = new Set<PropertyKey>(["schema", "columns", "from", "on", "aggregates", "rename"]);

/** Whether a value only names where a secret is: `{ "env": "NAME" }` or `{ "file": "path" }`. */
export function isSecretReference(value: unknown): boolean {
  if (!isObject(value)) return false;
  const [only, ...others] = Object.entries(value);
  if (only === undefined || others.length > 0) return false;
  return (only[0] === "env" || only[0] === "file") && typeof only[1] === "string" && only[1] !== "";
}

/**
 * The one place that knows what of a spec is secret: the text of a value in a field that a schema or its name says holds one,
 * at any depth, however the text is laid out or broken. Shows lines without them, and keeps them out of issues.
 */
export class SpecSecrets {
  /** What they say, for texts that are made elsewhere, such as errors of a run. */
  readonly values: Secrets;
  readonly #text: string;
  readonly #root: JsonNode;
  readonly #isSound: boolean;
  readonly #ranges: TextRange[] = [];
  readonly #pointers = new Set<string>();
  #shown: { readonly line: TextRange; readonly count: number; readonly text: string } | undefined;

  constructor(text: string, { root, sound, comments, end }: JsonReading, values: Secrets) {
    this.values = values;
    this.#text = text;
    this.#root = root;
    this.#isSound = sound;
    this.#findBelow(root, []);
    // What was not read as JSON is looked through as text; nothing after the place where reading ended is shown.
    for (const comment of comments) this.#findInText(comment);
    if (!sound) this.#findInText({ start: 0, end });
    if (end < text.length) this.#ranges.push({ start: end, end: text.length });
  }

  /** Pointers of the values that are secret. */
  get pointers(): Iterable<string> {
    return this.#pointers;
  }

  /** A line of the spec with `*` in the place of every character of a secret. */
  shownLine(line: TextRange): string {
    const count = this.values.count + this.#ranges.length;
    // Issues come by line, and lines can be long.
    const last = this.#shown;
    if (last?.line.start === line.start && last.count === count) return last.text;
    const whole = this.#text.slice(line.start, line.end);
    const inside = this.#ranges.filter(({ start, end }) => start < line.end && end > line.start);
    const moved = inside.map(({ start, end }) => ({
      start: Math.max(0, start - line.start),
      end: Math.min(whole.length, end - line.start),
    }));
    const text = maskRanges(whole, [...moved, ...this.values.rangesIn(whole)]);
    this.#shown = { line, count, text };
    return text;
  }

  /** Makes the values at these pointers secret, unless they only say where a secret is. */
  hide(pointers: Iterable<string>): void {
    for (const pointer of pointers) {
      const property = this.#find(pointer);
      if (property !== undefined && !this.#pointers.has(pointer)) this.#hideProperty(property, pointer);
    }
  }

  /** Keeps a value out of texts that no place of the spec shows, such as one that an environment variable holds. */
  hideValue(value: unknown): void {
    if (typeof value === "object" && value !== null) for (const item of Object.values(value)) this.hideValue(item);
    else this.values.add(value);
  }

  /** Hides the passwords of URLs in the texts of a value. */
  hidePasswordsIn(value: unknown): void {
    if (typeof value === "string") passwordsIn(value).forEach((password) => this.hideValue(password));
    else if (typeof value === "object" && value !== null) {
      for (const item of Object.values(value)) this.hidePasswordsIn(item);
    }
  }

  /** The pointer, without what follows the secret that it leads into. */
  shownPointer(pointer: string): string {
    const ends = [...pointer.matchAll(/\//g)].map(({ index }) => index);
    const hidden = ends.map((end) => pointer.slice(0, end)).find((one) => this.#pointers.has(one));
    return hidden ?? pointer;
  }

  /** A text about a place of the spec without secrets: neither those known nor, inside one, words of it that are too short. */
  shownText(text: string, pointer: string, { start, end }: TextRange): string {
    const scrubbed = this.values.scrub(text);
    const shown = this.shownPointer(pointer);
    const isInside = shown !== pointer || this.#ranges.some((range) => range.start <= start && end <= range.end);
    if (!isInside) return scrubbed;
    const words = [...fromPointer(pointer.slice(shown.length)), this.#text.slice(start, end)];
    const quoted = words.flatMap((word) => [word, word.replaceAll(/^["']|["']$/g, "")]).filter((word) => word !== "");
    return quoted.reduce((result, word) => result.replaceAll(`"${word}"`, '"***"'), scrubbed);
  }

  #findBelow(node: JsonNode, path: Path): void {
    if (node.type === "array") node.items.forEach((item, index) => this.#findBelow(item, [...path, index]));
    if (node.type === "scalar") this.hidePasswordsIn(node.value);
    if (node.type !== "object") return;
    for (const property of node.properties) {
      const below = [...path, property.key];
      if (isSecretField(property, path)) this.#hideProperty(property, toPointer(below));
      else this.#findBelow(property.value, below);
    }
  }

  #hideProperty({ keyOffset, keyLength, value }: JsonProperty, pointer: string): void {
    if (value.type === "scalar" && (value.value === null || typeof value.value === "boolean")) return;
    if (isReferenceNode(value)) return;
    this.#pointers.add(pointer);
    if (value.type === "missing") this.#hideRest(keyOffset + keyLength);
    else this.#hideNode(value);
    this.#hideRest(value.offset + value.length);
  }

  #hideNode(node: JsonNode): void {
    if (node.type === "array") node.items.forEach((item) => this.#hideNode(item));
    else if (node.type === "object") {
      for (const { key, keyOffset, keyLength, value } of node.properties) {
        this.#hideQuoted(keyOffset, keyLength);
        // Words such as "value" stand in other texts for what they mean.
        if (!/^[A-Za-z]{1,12}$/.test(key)) this.values.add(key);
        this.#hideNode(value);
      }
    } else {
      this.#hideQuoted(node.offset, node.length);
      if (node.type === "scalar" && typeof node.value !== "boolean") this.values.add(node.value);
      this.values.add(this.#text.slice(node.offset, node.offset + node.length).replaceAll(/^["']|["']$/g, ""));
    }
  }

  /** Hides a part of the text, but for the quotes around it. */
  #hideQuoted(start: number, length: number): void {
    const part = this.#text.slice(start, start + length);
    const isOpened = /^["']/.test(part);
    const isClosed = isOpened && part.length > 1 && part.endsWith(part[0]!);
    this.#ranges.push({ start: start + (isOpened ? 1 : 0), end: start + length - (isClosed ? 1 : 0) });
  }

  /** Hides the rest of a line where a value does not end as one should: its end may be part of the secret. */
  #hideRest(start: number): void {
    if (matchAt(/[^\S\r\n]*(?:[,}\]\r\n]|\/[/*]|$)/y, this.#text, start) !== undefined) return;
    const line = matchAt(/[^\r\n]{0,2000}/y, this.#text, start) ?? "";
    this.#ranges.push({ start, end: start + line.length });
    if (this.#isSound) return;
    for (const word of line.match(/[^\s"',{}[\]:]+/g) ?? []) this.values.add(word);
  }

  #findInText({ start, end }: TextRange): void {
    const text = this.#text.slice(start, end);
    this.hidePasswordsIn(text);
    for (const { 0: whole, 1: name, index } of text.matchAll(nameBeforeValue)) {
      if (!isSecretName(name!)) continue;
      const value = matchAt(valueInText, text, index + whole.length) ?? "";
      if (/^(true|false|null)$/.test(value) || reference.test(value)) continue;
      const from = start + index + whole.length;
      this.#ranges.push({ start: from, end: from + value.length });
      this.values.add(value.replaceAll(/^["']|["']$/g, ""));
    }
  }

  #find(pointer: string): JsonProperty | undefined {
    let node = this.#root;
    let found: JsonProperty | undefined;
    for (const part of fromPointer(pointer)) {
      const next: JsonProperty | undefined =
        node.type === "object"
          ? node.properties.findLast(({ key }) => key === part)
          : node.type === "array" && node.items[Number(part)] !== undefined
            ? { key: part, keyOffset: node.offset, keyLength: 0, value: node.items[Number(part)]! }
            : undefined;
      if (next === undefined) return undefined;
      [node, found] = [next.value, next];
    }
    return found;
  }
}

/** A name, and what says that its value follows, in text that is no JSON; and such a value. */
const nameBeforeValue = /(?<![\p{L}\p{N}_.-])([\p{L}\p{N}_.-]+)["']?\s*[:=]+\s*/gu;
const valueInText = /"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|\{[^}]*\}?|\[[^\]]*\]?|[^\s"',}\]][^"',}\]\r\n]*/y;
const reference = /^\{\s*"(env|file)"\s*:\s*"[^"]*"\s*\}?$/;

/** Whether a property of the object at a path holds a secret, by its name. */
function isSecretField({ key, value }: JsonProperty, path: Path): boolean {
  const [section, name] = path;
  if (path.length === 1 && sectionsOfNames.has(section!) && value.type === "object") return false;
  if (section === "parameters" && path.length === 2 && isSecretName(String(name))) {
    return key !== "type" && key !== "description";
  }
  const namesColumns = path.slice(2).some((part) => fieldsOfColumns.has(part));
  const isOperator = section === "sources" || section === "transforms" || section === "sinks";
  return isSecretName(key) && section !== "tests" && !(isOperator && namesColumns);
}

function isReferenceNode(node: JsonNode): boolean {
  if (node.type !== "object" || node.properties.length !== 1) return false;
  const [{ key, value }] = node.properties as [JsonProperty];
  return value.type === "scalar" && isSecretReference({ [key]: value.value });
}

/** What a sticky pattern finds at an offset. */
function matchAt(pattern: RegExp, text: string, offset: number): string | undefined {
  pattern.lastIndex = offset;
  return pattern.exec(text)?.[0];
}
