import type { DataType } from "@sferic/operator";

/** A field of a struct type. */
export interface StructField {
  readonly name: string;
  readonly type: DataType;
}

/**
 * The fields of a struct type, in order; null for any other type. A type is written as in `struct<a: int32, "b, c": utf8>`: a
 * name stands in double quotes where it could be taken for something else.
 */
export function structFields(type: DataType): StructField[] | null {
  if (!type.startsWith("struct<") || !type.endsWith(">")) return null;
  return splitOutside(type.slice("struct<".length, -1), ",").map((text) => {
    const [name = "", ...rest] = splitOutside(text, ":");
    return { name: unquoted(name.trim()), type: rest.join(":").trim() };
  });
}

function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}

/** Cuts at a character wherever it stands in neither brackets nor double quotes. */
function splitOutside(text: string, separator: string): string[] {
  const parts: string[] = [];
  let [depth, start, quoted] = [0, 0, false];
  for (let index = 0; index < text.length; index++) {
    const character = text[index]!;
    if (character === '"') quoted = !quoted;
    if (quoted) continue;
    if ("<([".includes(character)) depth += 1;
    else if (">)]".includes(character)) depth -= 1;
    else if (character === separator && depth === 0) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
  }
  const last = text.slice(start);
  return last.trim() === "" ? parts : [...parts, last];
}
