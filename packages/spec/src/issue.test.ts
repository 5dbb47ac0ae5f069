import { describe, expect, it } from "vitest";
import { applyFixes } from "./issue.ts";
import { parseSpec } from "./parse.ts";
import { doubles } from "./testing/registry.ts";

const registry = doubles();

describe("applyFixes", () => {
  it("repairs syntax, names and words in one go", async () => {
    const text = `\uFEFF{
  // a comment
  'name': "p",\r
  "sources": { "s": { "type": "genrate", "rows": 03 }, "é😀": 1, },
  "sinks": { "out": { "type": "duckdb", "form": "s.mian", "path": "a", "table": "t", "write": "repalce" } } }`;
    const { issues } = await parseSpec(text.replace('"é😀": 1, ', ""), { registry });
    expect(applyFixes(text.replace('"é😀": 1, ', ""), issues)).toBe(`\uFEFF{
  ${""}
  "name": "p",\r
  "sources": { "s": { "type": "generate", "rows": 3 } },
  "sinks": { "out": { "type": "duckdb", "from": "s.mian", "path": "a", "table": "t", "write": "replace" } } }`);
  });

  it("replaces a part of a text, escapes and wide characters before it counted", async () => {
    const text = `{ "name": "p", "sources": { "s": { "type": "generate", "rows": 3 } },
  "sinks": { "ö😀": { "type": "console", "from": "\\u0073.mian" } } }`;
    const { issues } = await parseSpec(text, { registry });
    expect(applyFixes(text, issues)).toBe(text.replace("mian", "main"));
  });

  it("moves a secret from a placeholder to a reference", async () => {
    const text = `{ "connections": { "c": { "type": "s3", "password": "\${env:PW}" } } }`;
    const { issues } = await parseSpec(text, { registry, environment: { PW: "canary" } });
    expect(applyFixes(text, issues)).toContain('"password": {"env":"PW"}');
  });

  it("takes the first of fixes that overlap; the next call takes the rest", async () => {
    const fixed = async (text: string): Promise<string> =>
      applyFixes(text, (await parseSpec(text, { registry })).issues);
    const once = await fixed("{ 'name' 'p' }");
    expect(once).toBe(`{ "name" "p" }`);
    expect(await fixed(once)).toBe(`{ "name": "p" }`);
  });

  it("changes nothing when nothing can be fixed", async () => {
    const text = '{ "name": "A B" }';
    const { issues } = await parseSpec(text, { registry });
    expect(applyFixes(text, issues)).toBe(text);
  });
});
