import type { FilledPart, Problem } from "./document.ts";
import type { Parameter } from "./model.ts";
import type { Parameters } from "./parameters.ts";
import { type Path, toPointer } from "./pointer.ts";
import { hinted, listed } from "./suggest.ts";
import { formatTime, knownDirectives, parseTime, unknownDirectives } from "./time-format.ts";

/** A value with its placeholders filled in. */
export interface Filled {
  readonly value: unknown;
  /** Placeholders that cannot be filled in; offsets count in the text as written. */
  readonly problems: Problem[];
  /** What was filled in, by pointer of the text. */
  readonly parts: Map<string, FilledPart[]>;
  /** Pointers of texts in which a placeholder could not be filled in: their values mean nothing. */
  readonly unresolved: Set<string>;
  /** Names of the parameters that a placeholder asks for. */
  readonly used: Set<string>;
}

const placeholder = /\$\{(?:(param|env):([^{}]*)\}|(\w[\w.-]*)\}|(?:param|env)\b)/g;

/**
 * Fills in `${param:name}`, `${param:name|%Y/%j}`, `${env:NAME}` and `${env:NAME:-default}` in every text of a spec, at
 * any depth, save in its `name`, `$schema` and `parameters`. A text that is one integer, number or boolean placeholder
 * and nothing else becomes such a value; an environment variable is always text.
 */
export function substitute(
  value: unknown,
  parameters: Parameters,
  environment: Readonly<Record<string, string | undefined>>,
): Filled {
  const filled = { problems: [], parts: new Map(), unresolved: new Set<string>(), used: new Set<string>() };
  const walker = new Walker(parameters, environment, filled);
  return { ...filled, value: walker.walk(value, []) };
}

/** A placeholder in a text of a spec. */
interface Placeholder {
  readonly kind: "param" | "env";
  readonly name: string;
  /** What stands in its place when the variable is not set. */
  readonly fallback: string | undefined;
  /** Of the text. */
  readonly pointer: string;
}

/** The placeholders in all texts of a value. */
export function placeholdersIn(value: unknown, path: Path = []): Placeholder[] {
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([key, item]) => placeholdersIn(item, [...path, key]));
  }
  if (typeof value !== "string" || !value.includes("${")) return [];
  return [...value.matchAll(placeholder)].flatMap(([, kind, body]) => {
    if (kind === undefined || body === undefined) return [];
    const [name = "", fallback] = kind === "env" ? body.split(/:-(.*)/s) : body.split("|", 1);
    return [{ kind: kind as Placeholder["kind"], name, fallback, pointer: toPointer(path) }];
  });
}

const literalSections = new Set<PropertyKey>(["name", "$schema", "parameters"]);

class Walker {
  readonly #parameters: Parameters;
  readonly #environment: Readonly<Record<string, string | undefined>>;
  readonly #filled: Omit<Filled, "value">;

  constructor(
    parameters: Parameters,
    environment: Readonly<Record<string, string | undefined>>,
    filled: Omit<Filled, "value">,
  ) {
    this.#parameters = parameters;
    this.#environment = environment;
    this.#filled = filled;
  }

  walk(value: unknown, path: Path): unknown {
    if (typeof value === "string") return value.includes("${") ? this.#text(value, toPointer(path)) : value;
    if (Array.isArray(value)) return value.map((item, index) => this.walk(item, [...path, index]));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        key,
        path.length === 0 && literalSections.has(key) ? item : this.walk(item, [...path, key]),
      ]),
    );
  }

  #text(text: string, pointer: string): Filling {
    const parts: FilledPart[] = [];
    let whole: Filling | undefined;
    const result = text.replaceAll(placeholder, (match, kind?: string, body?: string, word?: string, ...rest) => {
      const start = rest[0] as number;
      const place = { pointer, offset: start, length: match.length };
      const value = this.#value(kind, body, word, place);
      if (value === undefined) {
        this.#filled.unresolved.add(pointer);
        return match;
      }
      if (match.length === text.length) whole = value;
      parts.push({ start, end: start + match.length, filledLength: String(value).length });
      return String(value);
    });
    if (parts.length > 0) this.#filled.parts.set(pointer, parts);
    return whole ?? result;
  }

  #value(
    kind: string | undefined,
    body: string | undefined,
    word: string | undefined,
    place: Place,
  ): Filling | undefined {
    if (kind === "param") return this.#parameter(body!, place);
    if (kind === "env") return this.#variable(body!, place);
    if (word === undefined) {
      return this.#refuse("invalid-placeholder", "this placeholder is never closed", place, 'close it with "}"');
    }
    const advice = this.#parameters.has(word) ? `write \${param:${word}}` : "write ${param:name} or ${env:NAME}";
    return this.#refuse("invalid-placeholder", `"\${${word}}" is not a placeholder`, place, advice);
  }

  #parameter(body: string, place: Place): Filling | undefined {
    const bar = body.indexOf("|");
    const name = bar < 0 ? body : body.slice(0, bar);
    const parameter = this.#parameters.get(name);
    const nameOffset = place.offset + "${param:".length;
    if (parameter === undefined) {
      const names = [...this.#parameters.keys()];
      const message = `there is no parameter "${name}"; the spec declares ${listed(names) || "none"}`;
      const hint = hinted(name, names);
      const replace = hint.hint === undefined ? {} : { replace: hint.hint };
      const at = { pointer: place.pointer, offset: nameOffset, length: name.length };
      this.#filled.problems.push({ code: "unknown-parameter", message, ...at, ...hint, ...replace });
      return undefined;
    }
    this.#filled.used.add(name);
    if (parameter === null) return undefined;
    if (bar < 0) return parameter.value;
    return this.#formatted(name, parameter, body.slice(bar + 1), { ...place, offset: nameOffset + bar + 1 });
  }

  #formatted(name: string, parameter: Parameter, pattern: string, place: Place): string | undefined {
    if (parameter.type !== "timestamp" && parameter.type !== "date") {
      const message = `the parameter "${name}" is ${parameter.type}; only a timestamp or date takes a pattern`;
      return this.#refuse("invalid-placeholder", message, { ...place, length: pattern.length });
    }
    const unknown = unknownDirectives(pattern);
    for (const { directive, offset } of unknown) {
      const message = `"${directive}" is not a directive of a time pattern`;
      const at = { ...place, offset: place.offset + offset, length: directive.length };
      this.#refuse("invalid-placeholder", message, at, `there are ${knownDirectives}`);
    }
    const instant = typeof parameter.value === "string" ? parseTime(parameter.value) : undefined;
    return unknown.length > 0 || instant === undefined ? undefined : formatTime(instant, pattern);
  }

  #variable(body: string, place: Place): string | undefined {
    const cut = body.indexOf(":-");
    const name = cut < 0 ? body : body.slice(0, cut);
    if (!/^[A-Za-z_]\w*$/.test(name)) {
      return this.#refuse("invalid-placeholder", `"${name}" is not a name of an environment variable`, place);
    }
    const set = Object.hasOwn(this.#environment, name) ? this.#environment[name] : undefined;
    if (set !== undefined && (set !== "" || cut < 0)) return set;
    if (cut >= 0) return body.slice(cut + 2);
    const message = `the environment variable ${name} is not set`;
    return this.#refuse("missing-variable", message, place, `set it, or give a default: \${env:${name}:-…}`);
  }

  #refuse(code: string, message: string, place: Place, hint?: string): undefined {
    this.#filled.problems.push({ code, message, ...place, ...(hint === undefined ? {} : { hint }) });
  }
}

type Filling = string | number | boolean;

interface Place {
  readonly pointer: string;
  readonly offset: number;
  readonly length: number;
}
