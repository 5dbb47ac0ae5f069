import type { Bounds, Definition, OperatorKind, Registry } from "@sferic/operator";
import { checkValue, type Found } from "./check-value.ts";
import type { Problem } from "./document.ts";
import { fieldSchema, nestedFormats } from "./field-schema.ts";
import { envelopes, idPattern, type SectionKind, sections } from "./language.ts";
import type { OperatorNode, Reference } from "./model.ts";
import { isObject, type Path, toPointer, valueAt } from "./pointer.ts";
import { hinted, listed } from "./suggest.ts";
import { misspeltType, typeKeyOf } from "./type-key.ts";

/** An operator as far as it could be read. */
export interface Draft {
  readonly id: string;
  readonly kind: SectionKind;
  readonly pointer: string;
  /** Its type; the empty string when it has none. */
  readonly type: string;
  /** Absent when the type is unknown. */
  readonly definition: Definition | undefined;
  /** All its fields, with parameters filled in. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The operators of a spec in document order, and what is wrong with each by itself. */
export async function readOperators(
  value: Readonly<Record<string, unknown>>,
  written: unknown,
  registry: Registry,
): Promise<{ drafts: Draft[]; problems: Found[] }> {
  const kinds = new Map(Object.entries(sections).map(([kind, section]) => [section as string, kind as SectionKind]));
  const problems: Found[] = [];
  const readings: OperatorReading[] = [];
  const seen = new Map<string, SectionKind>();
  for (const [section, operators] of Object.entries(value)) {
    const kind = kinds.get(section);
    if (kind === undefined || !isObject(operators)) continue;
    for (const [id, fields] of Object.entries(operators)) {
      problems.push(...idProblems(id, toPointer([section, id]), seen.get(id)));
      if (!seen.has(id)) seen.set(id, kind);
      if (!isObject(fields)) continue;
      readings.push(new OperatorReading(id, kind, fields, valueAt(written, [section, id]), registry));
    }
  }
  const drafts = await Promise.all(readings.map((reading) => reading.draft()));
  return { drafts, problems: [...problems, ...readings.flatMap((reading) => reading.problems)] };
}

function idProblems(id: string, pointer: string, earlier: SectionKind | undefined): Problem[] {
  const problems: Problem[] = [];
  if (!idPattern.test(id)) {
    const message = `"${id}" cannot be an id: it begins with a letter and has up to 63 letters, digits, "_" and "-"`;
    problems.push({ code: "invalid-id", message, pointer, keyRange: true });
  }
  if (earlier !== undefined) {
    const message = `"${id}" is already the id of a ${earlier}; ids are unique over sources, transforms and sinks`;
    problems.push({ code: "duplicate-id", message, pointer, keyRange: true });
  }
  return problems;
}

class OperatorReading {
  readonly problems: Found[] = [];
  readonly #id: string;
  readonly #kind: SectionKind;
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #written: unknown;
  readonly #registry: Registry;
  readonly #pointer: string;

  constructor(
    id: string,
    kind: SectionKind,
    fields: Readonly<Record<string, unknown>>,
    written: unknown,
    registry: Registry,
  ) {
    this.#id = id;
    this.#kind = kind;
    this.#fields = fields;
    this.#written = written;
    this.#registry = registry;
    this.#pointer = toPointer([sections[kind], id]);
  }

  async draft(): Promise<Draft> {
    const envelope = envelopes[this.#kind];
    const written = typeKeyOf(this.#fields, Object.keys(envelope.shape));
    const type = this.#fields[written];
    const owner = typeof type === "string" ? `the ${this.#kind} "${type}"` : `the ${this.#kind} "${this.#id}"`;
    const subject = { pointer: this.#pointer, owner, written: this.#written };
    this.problems.push(...(await checkValue(envelope, this.#fields, subject)));
    if (written !== "type") this.problems.push(misspeltType(written, owner, this.#pointer));
    const named = typeof type === "string" ? type : "";
    const draft = { id: this.#id, kind: this.#kind, pointer: this.#pointer, type: named, fields: this.#fields };
    if (named === "") return { ...draft, definition: undefined };
    const definition = await this.#find(this.#kind, named, `${this.#pointer}/${written}`);
    if (definition !== undefined) {
      const { [written]: _, ...own } = ownConfig(this.#kind, { type, ...this.#fields });
      const alsoFields = Object.keys(envelope.shape);
      this.problems.push(...(await checkValue(definition.config, own, { ...subject, alsoFields })));
      await this.#checkFormats(definition, own);
    }
    return { ...draft, definition };
  }

  async #checkFormats(definition: Definition, own: Record<string, unknown>): Promise<void> {
    const formats = nestedFormats(fieldSchema(definition.config), own);
    await Promise.all(formats.map(({ path, config }) => this.#checkFormat(path, config)));
  }

  async #checkFormat(path: Path, config: Record<string, unknown>): Promise<void> {
    const pointer = this.#pointer + toPointer(path);
    const written = typeKeyOf(config, []);
    const { [written]: type, ...rest } = config;
    if (written !== "type") this.problems.push(misspeltType(written, `"${path.join(".")}"`, pointer));
    if (typeof type !== "string") return;
    const format = await this.#find("format", type, `${pointer}/${written}`);
    if (format === undefined) return;
    const subject = {
      pointer,
      owner: `the format "${type}"`,
      written: valueAt(this.#written, path),
      alsoFields: ["type"],
    };
    this.problems.push(...(await checkValue(format.config, rest, subject)));
  }

  async #find(kind: OperatorKind, type: string, pointer: string): Promise<Definition | undefined> {
    try {
      const found = await this.#registry.find(kind, type);
      if (found === undefined) this.problems.push(this.#unknownType(kind, type, pointer));
      return found;
    } catch (thrown) {
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      const message = `the ${kind} "${type}" cannot be loaded: ${reason}`;
      this.problems.push({ code: "operator-unavailable", message, pointer });
      return undefined;
    }
  }

  #unknownType(kind: OperatorKind, type: string, pointer: string): Problem {
    const code = kind === "format" ? "unknown-format" : "unknown-operator";
    const kinds = ["source", "transform", "sink", "format"] as const;
    const actual = kinds.find((other) => other !== kind && this.#registry.types(other).includes(type));
    if (actual === "format") {
      const message = `"${type}" is a format, not a ${kind}; it goes into the "format" of a ${kind} such as "files"`;
      return { code, message, pointer };
    }
    if (actual !== undefined) {
      const advice = kind === "format" ? `, not a format` : `; put it under "${sections[actual]}"`;
      return { code, message: `"${type}" is a ${actual}${advice}`, pointer };
    }
    const types = this.#registry.types(kind);
    const message = `there is no ${kind} "${type}"; there are ${listed(types) || "none"}`;
    return { code, message, pointer, ...hinted(type, types) };
  }
}

/** The fields that are not the language's but the operator's own. */
export function ownConfig(kind: SectionKind, fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const shape = envelopes[kind].shape;
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !Object.hasOwn(shape, name)));
}

const boundNames = ["filesPerEpoch", "rowsPerEpoch", "bytesPerEpoch"] as const;

/** The bounds among some fields. */
export function boundsOf(fields: object): Bounds {
  return pick(fields as Readonly<Record<string, unknown>>, boundNames) as Bounds;
}

function pick(fields: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.filter((name) => fields[name] !== undefined).map((name) => [name, fields[name]]));
}

/** The node of an operator that has no errors; `ofRun` are the bounds of sources that set none themselves. */
export function operatorNode(
  draft: Draft,
  inputs: Readonly<Record<string, readonly Reference[]>>,
  ofRun: Bounds,
): OperatorNode {
  const { id, kind, type, pointer, fields } = draft;
  const isReference = fields["role"] === "reference";
  return {
    id,
    kind,
    type,
    inputs,
    config: ownConfig(kind, fields),
    bounds: kind === "source" ? { ...(isReference ? {} : ofRun), ...boundsOf(fields) } : {},
    // The envelope's schema has accepted these fields.
    ...pick(
      fields,
      ["watermark", "outputMode", "connection", "role"].filter((name) => name in envelopes[kind].shape),
    ),
    pointer,
  };
}
