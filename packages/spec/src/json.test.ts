import { describe, expect, it } from "vitest";
import { parseJson, plainValue } from "./json.ts";
import { mutations, random } from "./testing/mutations.ts";
import { pipelines } from "./testing/pipelines.ts";

function accepts(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function withoutPrototypes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPrototypes);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => key !== "__proto__");
  return Object.fromEntries(kept.map(([key, item]) => [key, withoutPrototypes(item)]));
}

describe("parseJson", () => {
  it.each(Object.entries(pipelines))("reads %s as JSON.parse does, whole and damaged", (_, pipeline) => {
    let valid = 0;
    for (const text of mutations(pipeline, 1000, random(7))) {
      const { root, problems } = parseJson(text, false);
      expect({ text, valid: problems.length === 0 }).toEqual({ text, valid: accepts(text) });
      if (problems.length > 0) continue;
      valid += 1;
      expect(plainValue(root)).toEqual(withoutPrototypes(JSON.parse(text)));
    }
    expect(valid).toBeGreaterThan(30);
  });

  it("gives a tree that repaired text confirms whenever it calls itself sound", () => {
    const pairs = [
      ['{\'a\': [1, 2,], b: True, "c" 1 "d": 0x10}', { a: [1, 2], b: true, c: 1, d: 16 }],
      ['{ "a": None, # x\n "b": .5, , }', { a: null, b: 0.5 }],
    ] as const;
    for (const [text, value] of pairs) {
      const { root, sound } = parseJson(text, false);
      expect(sound).toBe(true);
      expect(plainValue(root)).toEqual(value);
    }
  });

  it("finds several errors that cannot be repaired, one per line", () => {
    const { problems, sound } = parseJson('{\n"a": NaN,\n"b": "x,\n"c": -,\n"d": 1 }', false);
    expect(problems.map((problem) => problem.message)).toEqual([
      "JSON has no NaN",
      "this text has no closing double quote on its line",
      '"-" cannot stand here',
    ]);
    expect(sound).toBe(false);
  });

  it("stops at 20 errors", () => {
    expect(parseJson(`[${"NaN,\n".repeat(5000)}1]`, false).problems).toHaveLength(20);
  });

  it("leaves an object's prototype alone", () => {
    const value = plainValue(parseJson('{"__proto__": {"a": 1}, "b": {"constructor": 1}}', false).root);
    expect(value).toEqual({ b: {} });
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });
});
