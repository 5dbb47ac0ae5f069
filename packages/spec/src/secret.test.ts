import { secretField } from "@sferic/operator";
import { expect, test } from "vitest";
import { z } from "zod";
import { formatIssue } from "./format-issue.ts";
import { applyFixes, type Issue } from "./issue.ts";
import { type ParseOptions, parseSpec } from "./parse.ts";
import { doubles } from "./testing/registry.ts";

const registry = doubles();
const canary = "s3cr3t-canary";

async function told(text: string, options: Partial<ParseOptions> = {}): Promise<{ issues: Issue[]; shown: string }> {
  const { issues, document } = await parseSpec(text, { registry, ...options });
  const frames = issues.map((issue) => formatIssue(issue, document));
  return { issues, shown: [...frames, JSON.stringify(issues)].join("\n") };
}

/** A secret in a connection, with a mistake next to it; `%` is where the secret stands. */
const layouts: [what: string, text: string][] = [
  ["on its line", '{"connections": {"k": {"type": "x", "password": "%", "password": 1}}}'],
  ["on the line after its key", '{"connections": {"k": {"password":\n"%", "type": "x", "type": 1}}}'],
  ["under a key with escapes", String.raw`{"connections": {"k": {"pass\u0077ord": "%", "type": "x", "type": 1}}}`],
  ["in an object", '{"connections": {"k": {"password": {"a": {"b": "%", "b": "%"}}}}}'],
  ["in a list", '{"connections": {"k": {"password": [["%"], {"x": 1, "x": "%"}]}}}'],
  ["as a key", '{"connections": {"k": {"password": {"%": 1, "%": 2}}}}'],
  ["as a forbidden key's value", '{"connections": {"k": {"password": {"__proto__": "%"}}}}'],
  ["with half a character", String.raw`{"connections": {"k": {"password": "%\ud800"}}}`],
  ["without quotes", '{"connections": {"k": {"password": %, "type": 1}}}'],
  ["without quotes and with junk", '{"connections": {"k": {"password": x!%, "type": 1}}}'],
  ["in quotes of another language", `{"connections": {"k": {'password': '%', "type": 1}}}`],
  ["in a text that is not closed", '{"connections": {"k": {"password": "%, "type": 1}}}'],
  ["behind a text that ends too soon", '{"connections": {"k": {"password": "a"%", "type": 1}}}'],
  ["behind an equals sign", '{"connections": {"k": {"password" = "%", "type": 1}}}'],
  ["behind a bare word", '{"connections": {"k": {password=%, "type": 1}}}'],
  ["without a colon", '{"connections": {"k": {"password" "%", "type": 1}}}'],
  ["in a comment", '{ // "password": "%"\n "connections": {"k": 1} /* token: % */ }'],
  ["in a comment of the shell", '{ # password=%\n "connections": {"k": 1} }'],
  ["behind where reading ends", `${"[".repeat(70)} {"password": "%"}`],
  ["in an operator", '{"sinks": {"o": {"type": "console", "form": "x", "apiKey": "%"}}}'],
  ["in no section", '{"nam": "x", "api_key": "%", "x": NaN}'],
  ["as the default of a parameter", '{"parameters": {"password": {"type": "integer", "default": "%"}}}'],
  [
    "as the default of a parameter that a secret asks for",
    '{"parameters": {"p": {"type": "string", "default": "%", "x": 1}}, "connections": {"k": {"token": "a${param:p}"}}, "sinks": {"o": {"type": "${param:p}"}}}',
  ],
  ["as the default of a variable", '{"sinks": {"o": {"type": "${env:DB_PASSWORD:-%}"}}}'],
  ["in a URL", '{"sinks": {"o": {"type": "s3://me:%@bucket"}}, "nam": 1}'],
  ["in an address", '{"connections": {"k": {"brokers": ["me:%@host:9092"], "type": "x", "type": 1}}}'],
  ["in the query of a URL", '{"sinks": {"o": {"type": "s3://bucket?x=1&token=%"}}, "nam": 1}'],
  ["in a URL of a broken spec", '{"sinks": {"o": {"type" "s3://me:%@bucket" }'],
];

test.each(layouts)("a secret %s is in no issue and in no frame", async (_, layout) => {
  // An address cannot hold a space.
  const longer = `${canary}${layout.includes("@host") ? "-" : " "}12:x`;
  for (const text of [layout.replaceAll("%", canary), layout.replaceAll("%", longer)]) {
    const { issues, shown } = await told(text);
    expect(issues.length).toBeGreaterThan(0);
    expect(shown).not.toMatch(/s3cr3t|canary/);
  }
});

test("what follows a secret stays in its place, under its caret", async () => {
  const { shown } = await told('{ "api_key": "😀 é", "nam": 1 }');
  const lines = shown.split("\n");
  const at = lines.findIndex((line) => line.includes("/nam")) + 2;
  expect(lines[at]).toBe('1 | { "api_key": "***", "nam": 1 }');
  expect(lines[at + 1]!.indexOf("^^^^^")).toBe(lines[at]!.indexOf('"nam"'));
});

test("short secrets are in no message about their own field, and words of others stay", async () => {
  const { shown } = await told('{"connections": {"k": {"password": {"pw": 1, "pw": "ab"}, "type": "ab"}}}');
  expect(shown).toContain('"***" stands twice');
  expect(shown).toContain("/connections/k/password\n");
  expect(shown).toContain('"type": "ab"');
});

test("a secret is put right without being shown", async () => {
  const text = `{ 'name': 'x', 'password': '${canary}' }`;
  const { issues, shown } = await told(text);
  expect(shown).not.toContain(canary);
  expect(applyFixes(text, issues)).toContain(`"password": "${canary}"`);
});

test("values that are given for secret parameters and held by secret variables are in no issue", async () => {
  const spec = {
    parameters: { password: { type: "string" }, p: { type: "string" } },
    connections: { k: { type: "x", token: "${param:p}", key: { env: "PLACE" } } },
    sinks: {
      o: { type: "${param:password}" },
      q: { type: "${env:DB_PASSWORD} ${env:PLACE}" },
      r: { type: "${param:p}" },
    },
  };
  const values = { parameters: { password: "given-1-canary", p: "given-2-canary" } };
  const environment = { DB_PASSWORD: "held-1-canary", PLACE: "held-2-canary" };
  const { shown } = await told(JSON.stringify(spec, null, 2), { ...values, environment });
  expect(shown).toContain('there is no sink "***"');
  expect(shown).not.toMatch(/given-\d|held-\d|canary/);
});

test("what a schema says is secret is one by any name", async () => {
  const definition = {
    kind: "sink" as const,
    type: "vault",
    config: z.strictObject({ ca: secretField, deep: z.array(z.strictObject({ pem: secretField })).optional() }),
  };
  const withVault = {
    ...registry,
    find: (kind: string, type: string) =>
      type === "vault" ? Promise.resolve(definition) : registry.find(kind as "sink", type),
  } as unknown as ParseOptions["registry"];
  const text = JSON.stringify({ sinks: { o: { type: "vault", ca: canary, deep: [{ pem: `2-${canary}` }] } } }, null, 1);
  const { shown } = await told(text, { registry: withVault });
  expect(shown).toContain("must be an object");
  expect(shown).not.toContain(canary);
});

test("names of operators and columns are no secrets, nor is where one is", async () => {
  const spec = {
    connections: { k: { type: "x", password: { env: "PLACE" }, y: 1, z: { file: "./pw.txt" } } },
    sources: { token: { type: "filez", format: { type: "csv", schema: { password: "utf8x" } } } },
    sinks: { o: { type: "console", from: "tokn" } },
  };
  const { shown } = await told(JSON.stringify(spec));
  for (const word of ["filez", "utf8x", "PLACE", "./pw.txt", "tokn"]) expect(shown).toContain(word);
});

test("a spec that is nothing but secrets is checked in time", async () => {
  const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`${n}password`, `canary-${n * 7919}`]));
  const words = `{"x": ${"a".repeat(500_000)}, "y": "${"a://b:".repeat(50_000)}", ${"[".repeat(50)}`;
  const started = performance.now();
  await told(JSON.stringify(many));
  await told(words);
  expect(performance.now() - started).toBeLessThan(20_000);
});
