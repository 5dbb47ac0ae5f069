import { join } from "node:path";

/**
 * Names of files are bytes, and a string that stands for them has to give all of them back. Bytes that are not UTF-8 stand
 * as the lone surrogates U+DC80 to U+DCFF, as in Python's `surrogateescape`; JSON keeps those.
 */
const escapeBase = 0xdc00;

const loneSurrogate = /[\uDC80-\uDCFF]/u;

/** The string for the bytes of a name. */
export function nameOfBytes(bytes: Buffer): string {
  let name = "";
  let from = 0;
  while (from < bytes.length) {
    const length = characterAt(bytes, from);
    if (length === 0) name += String.fromCharCode(escapeBase + bytes[from]!);
    else name += bytes.toString("utf8", from, from + length);
    from += Math.max(1, length);
  }
  return name;
}

/** How many bytes the UTF-8 character at `from` has; 0 where there is none. */
function characterAt(bytes: Buffer, from: number): number {
  const first = bytes[from]!;
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  const character = bytes.subarray(from, from + length);
  return Buffer.from(character.toString("utf8")).equals(character) ? length : 0;
}

/** Whether a name holds bytes that are not UTF-8. */
export function isEscaped(name: string): boolean {
  return loneSurrogate.test(name);
}

/** The path below a folder, as the file system takes it: a string wherever that can say it. */
export function localPath(root: string, key: string): string | Buffer {
  const path = join(root, key);
  return isEscaped(path) ? bytesOfName(path) : path;
}

function bytesOfName(name: string): Buffer {
  const parts = Array.from(name).map((character) =>
    isEscaped(character) ? Buffer.from([character.charCodeAt(0) - escapeBase]) : Buffer.from(character),
  );
  return Buffer.concat(parts);
}

/** A name for people and for the column `file`: bytes that are not UTF-8 as `\xE9`. */
export function shownName(name: string): string {
  const shown = (character: string): string =>
    `\\x${(character.charCodeAt(0) - escapeBase).toString(16).toUpperCase().padStart(2, "0")}`;
  return name.replace(new RegExp(loneSurrogate, "gu"), shown);
}
