import type { Problem } from "./document.ts";
import type { Parameter, ParameterType } from "./model.ts";
import { isObject, toPointer } from "./pointer.ts";
import { hinted, listed } from "./suggest.ts";
import { parseTime } from "./time-format.ts";

const types: Readonly<Record<ParameterType, { readonly article: string; readonly example: string }>> = {
  timestamp: { article: "a timestamp", example: "2018-07-02T04:00:00Z" },
  date: { article: "a date", example: "2018-07-02" },
  integer: { article: "an integer", example: "12" },
  number: { article: "a number", example: "0.5" },
  boolean: { article: "a boolean", example: "true" },
  string: { article: "a string", example: "text" },
};

/** The types a parameter can have. */
export const parameterTypes = Object.keys(types) as ParameterType[];

/** The parameters of a spec by name; null for one whose declaration says nothing usable. */
export type Parameters = ReadonlyMap<string, Parameter | null>;

/** The parameters of a spec with their values: those given, else their defaults. */
export function readParameters(
  declared: unknown,
  given: Readonly<Record<string, string>>,
): { parameters: Parameters; problems: Problem[] } {
  const parameters = new Map<string, Parameter | null>();
  const problems: Problem[] = [];
  const declarations = isObject(declared) ? declared : {};
  for (const [name, declaration] of Object.entries(declarations)) {
    // The language's schema reports these.
    if (!isObject(declaration) || !Object.hasOwn(types, String(declaration["type"]))) {
      parameters.set(name, null);
      continue;
    }
    const { parameter, problem } = readParameter(
      name,
      declaration,
      Object.hasOwn(given, name) ? given[name] : undefined,
    );
    parameters.set(name, parameter);
    if (problem !== undefined) problems.push(problem);
  }
  for (const name of Object.keys(given).filter((name) => !Object.hasOwn(declarations, name))) {
    const names = Object.keys(declarations);
    problems.push({
      code: "unknown-parameter",
      message: `a value is given for the parameter "${name}", which the spec does not declare; it has ${listed(names) || "none"}`,
      pointer: isObject(declared) ? "/parameters" : "",
      keyRange: true,
      // The wrong name stands outside the spec: nothing in it can be replaced.
      replace: null,
      ...hinted(name, names),
    });
  }
  return { parameters, problems };
}

function readParameter(
  name: string,
  declaration: Record<string, unknown>,
  given: string | undefined,
): { parameter: Parameter; problem?: Problem } {
  const type = declaration["type"] as ParameterType;
  const description = declaration["description"];
  const described = typeof description === "string" ? { description } : {};
  const pointer = toPointer(["parameters", name]);
  const { article, example } = types[type];
  const initial = declaration["default"];
  const fallback = initial === undefined ? undefined : checked(type, initial);
  const parameter: Parameter = { type, ...described, ...(fallback === undefined ? {} : { default: fallback }) };
  if (initial !== undefined && fallback === undefined) {
    const message = `the default of the parameter "${name}" is not ${article}, such as ${JSON.stringify(convert(type, example))}`;
    return { parameter, problem: { code: "invalid-value", message, pointer: `${pointer}/default` } };
  }
  if (given !== undefined) {
    const value = convert(type, given);
    if (value !== undefined) return { parameter: { ...parameter, value } };
    const message = `the value given for the parameter "${name}" is not ${article}, such as ${example}`;
    return { parameter, problem: { code: "invalid-parameter", message, pointer, keyRange: true } };
  }
  if (fallback !== undefined) return { parameter: { ...parameter, value: fallback } };
  const message = `the parameter "${name}" has neither a value nor a default`;
  const hint = `give one: --param ${name}=${example}`;
  return { parameter, problem: { code: "missing-parameter", message, pointer, keyRange: true, hint } };
}

/** A JSON value when it suits the type. */
function checked(type: ParameterType, value: unknown): string | number | boolean | undefined {
  switch (type) {
    case "integer":
      return Number.isSafeInteger(value) ? (value as number) : undefined;
    case "number":
      return Number.isFinite(value) ? (value as number) : undefined;
    case "boolean":
      return typeof value === "boolean" ? value : undefined;
    default:
      return typeof value === "string" ? convert(type, value) : undefined;
  }
}

/** A text, as from a command line, as a value of the type. */
function convert(type: ParameterType, text: string): string | number | boolean | undefined {
  switch (type) {
    case "integer":
      return /^[+-]?\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined;
    case "number":
      return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : undefined;
    case "boolean":
      return text === "true" || text === "false" ? text === "true" : undefined;
    case "timestamp":
      return parseTime(text) === undefined ? undefined : text;
    case "date":
      return /^\d{4}-\d\d-\d\d$/.test(text) && parseTime(text) !== undefined ? text : undefined;
    case "string":
      return text;
  }
}
