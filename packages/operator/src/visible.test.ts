import { expect, test } from "vitest";
import { visible } from "./visible.ts";

test.each([
  ["the controls of C0", "\0\u0007\u001B[2J\b\r", String.raw`\u0000\u0007\u001b[2J\u0008\u000d`],
  ["delete and the controls of C1", "\u007F\u0080\u009B31m\u009F", String.raw`\u007f\u0080\u009b31m\u009f`],
  [
    "the direction of writing",
    "\u202A\u202E\u2066\u2069\u200E\u200F\u061C",
    String.raw`\u202a\u202e\u2066\u2069\u200e\u200f\u061c`,
  ],
  ["line separators", "a\u2028b\u2029", String.raw`a\u2028b\u2029`],
  ["tags", "a\u{E0001}\u{E0041}\u{E007F}", String.raw`a\udb40\udc01\udb40\udc41\udb40\udc7f`],
  ["half characters", "\uD800x\uDC00", String.raw`\ud800x\udc00`],
  ["line breaks and tabs", "a\tb\n", String.raw`a\u0009b\u000a`],
])("%s are shown", (_, text, shown) => {
  expect(visible(text)).toBe(shown);
});

test("letters, marks, emoji and what is kept stay", () => {
  const text = "Zoë e\u0301 日本 👩‍🚀 שלום \uE000";
  expect(visible(text)).toBe(text);
  expect(visible("a\n\tb\r\n", "\n\t")).toBe("a\n\tb\\u000d\n");
});

test("JSON keeps its meaning", () => {
  const value = { "\u009B": ["\u202E\u2028\u{E0041}\uD800\u007F", 1] };
  expect(JSON.parse(visible(JSON.stringify(value)))).toEqual(value);
});
