import type { Problem } from "./document.ts";
import { toPointer } from "./pointer.ts";
import { suggest } from "./suggest.ts";

/** The key that holds the type: where there is none, the one that was probably meant to be it. */
export function typeKeyOf(fields: Readonly<Record<string, unknown>>, known: readonly string[]): string {
  if (Object.hasOwn(fields, "type")) return "type";
  const texts = Object.keys(fields).filter((key) => typeof fields[key] === "string" && !known.includes(key));
  return suggest("type", texts) ?? "type";
}

/** Says that a key stands where `type` should. */
export function misspeltType(key: string, place: string, pointer: string): Problem {
  const message = `"${key}" is not a field of ${place}`;
  return { code: "unknown-field", message, pointer: pointer + toPointer([key]), keyRange: true, hint: "type" };
}
