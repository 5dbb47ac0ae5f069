import { describe, expect, it } from "vitest";
import type { SpecDocument } from "./document.ts";
import { parseSpec } from "./parse.ts";
import { doubles } from "./testing/registry.ts";

const text = String.raw`{
  "name": "p",
  "parameters": { "low": { "type": "number", "default": 0.125 } },
  "sources": { "s": { "type": "generate", "rows": 3 } },
  "transforms": { "t": { "type": "filter", "from": "s", "where": "\"é\u0041\" > ${"${param:low}"} AND b\/2 = ${"${env:X:-1}"} OR flash_latt" } },
  "sinks": { "out": { "type": "console", "from": "t" } }
}`;

const { document } = await parseSpec(text, { registry: doubles() });
const filled = '"éA" > 0.125 AND b/2 = 1 OR flash_latt';

/** The text that an issue about a part of the filled-in expression points at. */
function pointedAt(part: string, from: SpecDocument = document): string {
  const offset = filled.indexOf(part);
  const problem = { code: "expression", message: "wrong", pointer: "/transforms/t/where", offset, length: part.length };
  const { line, column, length } = from.issueAt(problem);
  return Array.from(text.split("\n")[line - 1]!)
    .slice(column - 1, column - 1 + length)
    .join("");
}

describe("issueAt", () => {
  it.each([
    ["flash_latt", "flash_latt"],
    ['"éA"', String.raw`\"é\u0041\"`],
    ["b/2", String.raw`b\/2`],
    ["0.125", "${param:low}"],
    [".12", "${param:low}"],
    ["> 0.1", "> ${param:low}"],
    ["125 AND", "${param:low} AND"],
    ["1 OR", "${env:X:-1} OR"],
    ["2 = 1", "2 = ${env:X:-1}"],
  ])("finds %s of the filled-in text as %s", (part, written) => {
    expect(pointedAt(part)).toBe(written);
  });

  it("means the whole text without an offset, and the key when told", () => {
    const at = (keyRange: boolean): string => {
      const issue = document.issueAt({ code: "c", message: "m", pointer: "/sinks/out/from", keyRange });
      return text.split("\n")[issue.line - 1]!.slice(issue.column - 1, issue.column - 1 + issue.length);
    };
    expect([at(false), at(true)]).toEqual(['"t"', '"from"']);
  });

  it("means what is around a pointer to nothing", () => {
    const at = (pointer: string): [number, number] => {
      const { line, column } = document.issueAt({ code: "c", message: "m", pointer });
      return [line, column];
    };
    expect(at("/sinks/out/nothing/here")).toEqual([6, 14]);
    expect(at("/nothing")).toEqual([1, 1]);
    expect(at("no pointer")).toEqual([1, 1]);
  });

  it("fixes an unknown name by its hint", () => {
    const problem = { code: "unknown-column", message: "m", pointer: "/sinks/out/from", hint: "té" };
    expect(document.issueAt(problem).fix).toEqual({ replace: '"té"' });
    expect(document.issueAt({ ...problem, code: "other" }).fix).toBeNull();
    expect(document.issueAt({ ...problem, offset: 0, length: 1 }).fix).toBeNull();
  });

  it("keeps the text as written in value", () => {
    expect(document.value).toEqual(JSON.parse(text));
  });
});
