/** Keys and indexes from the root of a document to one value. */
export type Path = readonly PropertyKey[];

/** The JSON pointer (RFC 6901) of a path; the root is the empty string. */
export function toPointer(path: Path): string {
  return path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
