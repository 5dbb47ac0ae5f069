import { isSecretName, secretMask } from "@sferic/operator/secrets";
import { InvalidArgumentError } from "commander";

/** Adds `name=value` of one `--param` to those before it; the value may hold `=` and may be empty. */
export function addParameter(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const equals = text.indexOf("=");
  if (equals < 1) throw new InvalidArgumentError('Write it as name=value, such as "hour=2018-07-02T04:00:00Z".');
  const name = text.slice(0, equals);
  if (Object.hasOwn(before, name)) throw new InvalidArgumentError(`"${name}" is given twice.`);
  return Object.fromEntries([...Object.entries(before), [name, text.slice(equals + 1)]]);
}

/** A whole number from 1. */
export function parseCount(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(count) && count >= 1) return count;
  throw new InvalidArgumentError("It is a whole number from 1.");
}

/** A whole number from 0. */
export function parseWhole(text: string): number {
  if (text === "0") return 0;
  try {
    return parseCount(text);
  } catch {
    throw new InvalidArgumentError("It is a whole number from 0.");
  }
}

/** A path. An empty one would mean the working folder, which nobody asks for in this way. */
export function parsePath(text: string): string {
  if (text !== "") return text;
  throw new InvalidArgumentError("It is a path and may not be empty.");
}

/** A message about a wrong command line without what it repeats of values of parameters, which may be secrets. */
export function withoutValues(message: string): string {
  const short = message.replace(/('--param <name=value>' argument )'.*'( is invalid\.)/s, `$1'${secretMask}'$2`);
  for (const { 0: whole, 1: name, index } of short.matchAll(/([\w.-]+)=/g)) {
    // Where the value ends cannot be seen.
    if (isSecretName(name!)) return `${short.slice(0, index + whole.length)}${secretMask}`;
  }
  return short;
}
