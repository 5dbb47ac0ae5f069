import { join } from "node:path";
import { expect, test } from "vitest";
import { main } from "./main.ts";
import { recordedTerminal } from "./testing/recorded-terminal.ts";
import { flashesSpec, specFile } from "./testing/specs.ts";

const good = JSON.stringify(flashesSpec, null, 2);
const { sources, transforms, sinks } = flashesSpec;
const { strong } = transforms;

/** The spec with some fields replaced, as text. */
const spec = (fields: object): string => JSON.stringify({ ...flashesSpec, ...fields });
const where = (expression: string): string => spec({ transforms: { strong: { ...strong, where: expression } } });

/** What is wrong, the text, and codes of issues that must all be told at once. */
const broken: [what: string, text: string, ...codes: string[]][] = [
  ["no JSON", "hello world", "invalid-json"],
  ["names without quotes", "{ name: 'x', }", "invalid-json", "missing-field"],
  ["a comment", `// why\n${good}`, "invalid-json"],
  ["NUL bytes", `\0\0${good}`, "invalid-json"],
  ["a list", "[]", "invalid-value"],
  ["a number", "42", "invalid-value"],
  ["nothing in it", "{}", "missing-field"],
  ["very deep lists", "[".repeat(100_000) + "]".repeat(100_000), "nested-too-deep"],
  ["two megabytes", spec({ $schema: "x".repeat(2_000_000) }), "spec-too-large"],
  ["a number beyond doubles", good.replace('"filesPerEpoch": 1', '"filesPerEpoch": 1e999'), "invalid-value"],
  ["wrong types everywhere", spec({ name: 5, sources: [], sinks: "x", run: null }), "invalid-value"],
  ["operators of wrong types", spec({ sources: { a: 7 }, sinks: { b: { type: null, from: {} } } }), "invalid-value"],
  ["unknown operators", spec({ sources: { flashes: { type: "filez" } } }), "unknown-operator"],
  ["a circle", spec({ transforms: { strong: { ...strong, from: "strong" } } }), "cycle"],
  ["the same id twice", good.replace('"csv": {', '"strong": {'), "duplicate-id"],
  ["an unknown port", spec({ sinks: { csv: { ...sinks.csv, from: "strong.late" } } }), "unknown-port"],
  ["an unknown column", where("flash_enrgy > 1 OR latt > 2"), "unknown-column"],
  ["half an expression", where("flash_energy >"), "invalid-expression"],
  ["a statement", where("1; DROP TABLE flashes"), "invalid-expression"],
  ["an expression that reads a file", where("(SELECT count(*) FROM '/etc/passwd') > 0"), "invalid-expression"],
  ["a variable that is not set", spec({ run: { checkpoint: "${env:SFERIC_NOT_SET}" } }), "missing-variable"],
  ["NUL in a path", spec({ run: { checkpoint: "a\0b" } }), "invalid-character"],
  ["another host's file", spec({ sinks: { csv: { ...sinks.csv, url: "file://host/out" } } }), "invalid-url"],
  ["a prototype", good.replace('"strong": {', '"__proto__": {'), "forbidden-key"],
  [
    "several at once",
    spec({ sources: {}, sinks: {}, plugins: ["./none.ts"] }),
    "no-source",
    "no-sink",
    "plugin-unavailable",
  ],
];

test.each(broken)("%s: every command says so and ends with 2", async (_, text, ...codes) => {
  const path = await specFile(text);
  for (const command of [["check"], ["explain"], ["run"], ["preview", "strong"]]) {
    const [name, ...more] = command as [string, ...string[]];
    const { terminal, out, err } = recordedTerminal();
    expect(await main([name, path, ...more], terminal), name).toBe(2);
    const told = out.text + err.text;
    for (const code of codes) expect(told, name).toContain(`error[${code}]`);
    expect(told, name).not.toMatch(/^ +at |internal-error|node:internal/m);
  }
});

test.each([
  ["a byte order mark", `\uFEFF${good}`],
  ["line ends of Windows", good.replaceAll("\n", "\r\n")],
  ["a pattern that nothing matches yet", spec({ sources: { flashes: { ...sources.flashes, url: "./*.nc" } } })],
])("%s is no mistake", async (_, text) => {
  const path = await specFile(text);
  const { terminal, err } = recordedTerminal();
  expect(await main(["run", path, "--checkpoint", join(path, "../other")], terminal), err.text).toBe(0);
});

test.each([
  ["a text", "s3cr3t-canary"],
  ["the key of an object", { "s3cr3t-canary": 1 }],
  ["a list", ["s3cr3t-canary"]],
  ["a reference with more", { env: "PW", value: "s3cr3t-canary" }],
  ["a number", 5318008],
])("a secret written into a spec as %s is one issue, and in no output", async (_, password) => {
  const kafka = { type: "kafka", brokers: ["localhost:9092"], sasl: { mechanism: "plain", username: "u", password } };
  const rows = { type: "kafka", connection: "k", topic: "t", format: { type: "json", schema: { n: "int64" } } };
  const path = await specFile(
    JSON.stringify(
      { name: "s", connections: { k: kafka }, sources: { rows }, sinks: { out: { type: "console", from: "rows" } } },
      null,
      2,
    ),
  );
  for (const args of [["check"], ["check", "--json"], ["explain"], ["run"], ["run", "--json"]]) {
    const { terminal, out, err } = recordedTerminal();
    expect(await main([args[0]!, path, ...args.slice(1)], terminal)).toBe(2);
    expect(out.text + err.text).not.toMatch(/s3cr3t-canary|5318008/);
    expect((out.text + err.text).match(/secret-literal/g)).toHaveLength(1);
    expect(out.text + err.text).not.toContain("invalid-value");
  }
});
