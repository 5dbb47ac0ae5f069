import { expect, test } from "vitest";
import { isEscaped, localPath, nameOfBytes, shownName } from "./local-path.ts";

test.each<[string, Buffer, string, string]>([
  ["text", Buffer.from("naïve 🌩 \uFFFD.csv"), "naïve 🌩 \uFFFD.csv", "naïve 🌩 \uFFFD.csv"],
  ["Latin-1", Buffer.from("caf\u00e9.csv", "latin1"), "caf\uDCE9.csv", "caf\\xE9.csv"],
  ["a character that is cut off", Buffer.from([0x61, 0xf0, 0x9f]), "a\uDCF0\uDC9F", "a\\xF0\\x9F"],
  ["a surrogate in UTF-8", Buffer.from([0xed, 0xa0, 0x80]), "\uDCED\uDCA0\uDC80", "\\xED\\xA0\\x80"],
])("a name of %s keeps all its bytes", (_, bytes, name, shown) => {
  expect(nameOfBytes(bytes)).toBe(name);
  expect(shownName(name)).toBe(shown);
  const kept = JSON.parse(JSON.stringify(name)) as string;
  const path = localPath("/in", kept);
  expect(typeof path).toBe(isEscaped(name) ? "object" : "string");
  expect(Buffer.from(path).subarray(4)).toEqual(bytes);
});
