import type { z } from "zod";
import type { Problem } from "./document.ts";
import {
  expectation,
  fieldNames,
  fieldSchema,
  type FieldSchema,
  fixedTexts,
  isSecretAt,
  schemasAt,
} from "./field-schema.ts";
import { isObject, type Path, toPointer, valueAt } from "./pointer.ts";
import { isSecretName } from "@sferic/operator/secrets";
import { hinted, suggest } from "./suggest.ts";

/** What is checked, for messages. */
export interface Subject {
  /** JSON pointer of the value. */
  readonly pointer: string;
  /** In words: `the transform "kmeans"`. */
  readonly owner: string;
  /** The value as written, before parameters: messages never show what an environment variable holds. */
  readonly written: unknown;
  /** Fields beside those of the schema that may stand there: other words to have meant. */
  readonly alsoFields?: readonly string[];
}

type ZodIssue = z.core.$ZodIssue;

/** Stands for every message that the schema's author did not write. */
const unsaid = "\u0000";

/** A problem; `missing` is the pointer of the field that is not there. */
export interface Found extends Problem {
  missing?: string;
}

/** Checks a value against a schema: `unknown-field`, `missing-field` and `invalid-value` problems, in no order. */
export async function checkValue(schema: z.ZodType, value: unknown, subject: Subject): Promise<Found[]> {
  const result = await schema.safeParseAsync(value, { error: () => unsaid });
  if (result.success) return [];
  const checker = new Checker(fieldSchema(schema), value, subject);
  return result.error.issues.flatMap((issue) => checker.problems(issue, []));
}

/** The problems without missing fields that stand there misspelt: one mistake is one issue. */
export function withoutMisspelt(problems: readonly Found[]): Problem[] {
  const misspelt = new Set(
    problems
      .filter((problem) => problem.code === "unknown-field" && problem.hint !== undefined)
      .map((problem) => siblingOf(problem.pointer, problem.hint!)),
  );
  return problems.filter(({ missing }) => missing === undefined || !misspelt.has(missing));
}

/** The pointer of a name beside another one. */
function siblingOf(pointer: string, name: string): string {
  return pointer.slice(0, pointer.lastIndexOf("/")) + toPointer([name]);
}

class Checker {
  readonly #schema: FieldSchema;
  readonly #value: unknown;
  readonly #subject: Subject;

  constructor(schema: FieldSchema, value: unknown, subject: Subject) {
    this.#schema = schema;
    this.#value = value;
    this.#subject = subject;
  }

  problems(issue: ZodIssue, prefix: Path): Found[] {
    const path = [...prefix, ...issue.path];
    if (issue.code === "unrecognized_keys") return issue.keys.map((key) => this.#unknownField(path, key));
    if (issue.code === "invalid_union") {
      const branch = likelyBranch(issue.errors);
      if (branch !== undefined) return branch.flatMap((inner) => this.problems(inner, path));
    }
    const parent = valueAt(this.#value, path.slice(0, -1));
    if (path.length > 0 && isObject(parent) && !Object.hasOwn(parent, path.at(-1)!)) return [this.#missingField(path)];
    return [this.#invalidValue(issue, path)];
  }

  #unknownField(path: Path, key: string): Problem {
    const present = valueAt(this.#value, path);
    const own = [...fieldNames(this.#schema, path), ...(path.length === 0 ? (this.#subject.alsoFields ?? []) : [])];
    const absent = own.filter((name) => !isObject(present) || !Object.hasOwn(present, name));
    return {
      code: "unknown-field",
      message: `"${key}" is not a field of ${this.#place(path)}`,
      pointer: this.#pointer([...path, key]),
      keyRange: true,
      ...hinted(key, absent),
    };
  }

  #missingField(path: Path): Found {
    const expected = this.#expectation(path);
    const about = schemasAt(this.#schema, path).find((schema) => schema.description !== undefined)?.description;
    const hint = [expected, about].filter((part) => part !== undefined).join(": ");
    return {
      code: "missing-field",
      message: `"${String(path.at(-1))}" is missing in ${this.#place(path.slice(0, -1))}`,
      pointer: this.#pointer(path.slice(0, -1)),
      keyRange: true,
      missing: this.#pointer(path),
      ...(hint === "" ? {} : { hint: `it takes ${hint}` }),
    };
  }

  #invalidValue(issue: ZodIssue, path: Path): Problem {
    const pointer = this.#pointer(path);
    const place = this.#place(path);
    if (issue.message !== unsaid) {
      const glue = /^(must|is|has|needs|takes|cannot|may|should)\b/.test(issue.message) ? " " : ": ";
      const near = issue.code === "custom" ? (issue.params?.["near"] as unknown) : undefined;
      const message = `${place}${glue}${issue.message}`;
      return { code: "invalid-value", message, pointer, ...(typeof near === "string" ? meant(near) : {}) };
    }
    const expected = this.#expectation(path) ?? "something else";
    if (this.#isSecret(path)) return { code: "invalid-value", message: `${place} must be ${expected}`, pointer };
    const written = valueAt(this.#subject.written, path);
    const message = `${place} must be ${expected}, not ${shown(written)}`;
    return { code: "invalid-value", message, pointer, ...this.#meant(written, path) };
  }

  /** Whether a value stands in a field that holds a secret, at whatever depth: it is in no message. */
  #isSecret(path: Path): boolean {
    const names = this.#pointer(path).split("/");
    return names.some(isSecretName) || path.some((_, index) => isSecretAt(this.#schema, path.slice(0, index + 1)));
  }

  /** The one of several fixed texts that was probably meant. */
  #meant(written: unknown, path: Path): Pick<Problem, "hint" | "replace"> {
    const words = schemasAt(this.#schema, path).flatMap((schema) => fixedTexts(schema, this.#schema));
    const near = typeof written === "string" ? suggest(written, words) : undefined;
    return near === undefined ? {} : meant(near);
  }

  #expectation(path: Path): string | undefined {
    const words = schemasAt(this.#schema, path).flatMap((schema) => expectation(schema, this.#schema) ?? []);
    return words.length === 0 ? undefined : [...new Set(words)].join(" or ");
  }

  #pointer(path: Path): string {
    return this.#subject.pointer + toPointer(path);
  }

  #place(path: Path): string {
    const { owner } = this.#subject;
    if (path.length === 0) return owner;
    const name = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("");
    return `"${name.replace(/^\./, "")}"${owner === "the spec" ? "" : ` of ${owner}`}`;
  }
}

function meant(near: string): Pick<Problem, "hint" | "replace"> {
  return { hint: `did you mean "${near}"?`, replace: JSON.stringify(near) };
}

/** The alternative that was probably meant: the one whose problems lie deepest inside, when that is only one. */
function likelyBranch(branches: readonly (readonly ZodIssue[])[]): readonly ZodIssue[] | undefined {
  const inside = branches.filter((issues) =>
    issues.every((issue) => issue.path.length > 0 || issue.code === "unrecognized_keys" || issue.message !== unsaid),
  );
  return inside.length === 1 ? inside[0] : undefined;
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (isObject(value)) return "an object";
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
