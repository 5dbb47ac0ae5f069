import { describe, expect, it } from "vitest";
import { parseSpec } from "./parse.ts";
import { given, pipelines } from "./testing/pipelines.ts";
import { doubles } from "./testing/registry.ts";

const registry = doubles();

interface Parts {
  sources?: string;
  transforms?: string;
  sinks?: string;
  more?: string;
}

/** A small valid spec, parts of it replaced. */
function spec({ sources, transforms, sinks, more }: Parts): string {
  return `{
  "name": "p",
  "sources": { ${sources ?? '"s": { "type": "generate", "rows": 3 }'} },
  "transforms": { ${transforms ?? ""} },
  "sinks": { ${sinks ?? '"out": { "type": "console", "from": "s" }'} }${more === undefined ? "" : `,\n  ${more}`}
}`;
}

const filter = (fields: string): string => spec({ transforms: `"t": { "type": "filter", "where": "a", ${fields} }` });
const kmeans = (fields: string): string =>
  spec({ transforms: `"t": { "type": "kmeans", "from": "s", "columns": ["a"], ${fields} }` });
const select = (fields: string): string => spec({ transforms: `"t": { "type": "select-k", "from": "s", ${fields} }` });
const join = (from: string): string =>
  spec({ transforms: `"t": { "type": "join", "on": ["a"], "kind": "inner", ${from} }` });
const connections = (fields: string): string => spec({ more: `"connections": { "c": { "type": "s3", ${fields} } }` });
const parameters = (declared: string, rows = "3"): string =>
  spec({ sources: `"s": { "type": "generate", "rows": ${rows} }`, more: `"parameters": { ${declared} }` });

/** What is wrong, the spec with the expected range between ⟦ and ⟧, the code, the pointer. */
type Case = readonly [title: string, text: string, code: string, pointer: string];

const syntax: readonly Case[] = [
  ["empty", "⟦⟧", "invalid-json", ""],
  ["only space", "⟦⟧ \n ", "invalid-json", ""],
  ["trailing comma in an object", spec({ more: '"run": { "seed": 1⟦,⟧ }' }), "invalid-json", ""],
  ["trailing comma in a list", spec({ more: '"plugins": ["a"⟦,⟧ ]' }), "invalid-json", ""],
  ["single quotes", spec({ more: "\"plugins\": [⟦'a b'⟧]" }), "invalid-json", ""],
  ["single quotes around a name", spec({ more: "⟦'plugins'⟧: []" }), "invalid-json", ""],
  ["typographic quotes", spec({ more: '"plugins": [⟦“a”⟧]' }), "invalid-json", ""],
  ["name without quotes", spec({ more: "⟦plugins⟧: []" }), "invalid-json", ""],
  ["text without quotes", spec({ more: '"plugins": [⟦abc⟧]' }), "invalid-json", ""],
  ["comment in .json", spec({ more: '⟦// why⟧\n  "plugins": []' }), "invalid-json", ""],
  ["block comment in .json", spec({ more: '"plugins": ⟦/* none */⟧ []' }), "invalid-json", ""],
  ["hash comment", spec({ more: '⟦# why⟧\n  "plugins": []' }), "invalid-json", ""],
  ["missing comma", spec({ more: '"plugins": [⟦⟧"a⟦"⟧ "b"]' }).replace("⟦⟧", ""), "invalid-json", ""],
  ["missing colon", spec({ more: '⟦"plugins"⟧ []' }), "invalid-json", ""],
  ["missing value", spec({ more: '"plugins": ⟦,⟧ "run": {}' }), "invalid-json", ""],
  ["two commas", spec({ more: '"plugins": [],⟦,⟧ "run": {}' }), "invalid-json", ""],
  ["Python's True", connections('"anonymous": ⟦True⟧'), "invalid-json", ""],
  ["not a number", spec({ more: '"run": { "seed": ⟦NaN⟧ }' }), "invalid-json", ""],
  ["leading zero", spec({ more: '"run": { "seed": ⟦01⟧ }' }), "invalid-json", ""],
  ["hexadecimal number", spec({ more: '"run": { "seed": ⟦0x10⟧ }' }), "invalid-json", ""],
  ["a text with NUL", spec({ more: '"plugins": [⟦"a\\u0000b"⟧]' }), "invalid-character", "/plugins/0"],
  ["half a character", connections('"region": ⟦"\\ud800"⟧'), "invalid-character", "/connections/c/region"],
  ["unknown escape", spec({ more: '"plugins": [⟦"C:\\data"⟧]' }), "invalid-json", ""],
  ["bad unicode escape", spec({ more: '"plugins": [⟦"\\u12"⟧]' }), "invalid-json", ""],
  ["tab in a text", spec({ more: '"plugins": [⟦"a\tb"⟧]' }), "invalid-json", ""],
  ["text without end", '{ "name": ⟦"p⟧\n}', "invalid-json", ""],
  ["wrong bracket", '{ "name": [1, 2⟦}⟧\n', "invalid-json", ""],
  ["end too early", '{ "name": "p"⟦⟧', "invalid-json", ""],
  ["text after the end", '{ "name": "p" } ⟦}⟧', "invalid-json", ""],
  ["nested 65 levels deep", `${"[".repeat(64)}⟦[⟧${"]".repeat(65)}`, "nested-too-deep", ""],
  ["a list for a spec", "⟦[⟧]", "invalid-value", ""],
  ["a text for a spec", '⟦"p"⟧', "invalid-value", ""],
  ["name twice", spec({ more: '"run": { "seed": 1, ⟦"seed"⟧: 2 }' }), "duplicate-key", "/run/seed"],
  ["__proto__", spec({ more: '"run": { ⟦"__proto__"⟧: {} }' }), "forbidden-key", "/run/__proto__"],
  ["__proto__ with an escape", spec({ more: '"run": { ⟦"__pr\\u006fto__"⟧: {} }' }), "forbidden-key", "/run/__proto__"],
  ["prototype in a list", connections('"a": [{ ⟦"prototype"⟧: 1 }]'), "forbidden-key", "/connections/c/a/0/prototype"],
];

const fields: readonly Case[] = [
  ["unknown field of the spec", spec({ more: '⟦"plugin"⟧: []' }), "unknown-field", "/plugin"],
  ["unknown field of run", spec({ more: '"run": { ⟦"triger"⟧: "once" }' }), "unknown-field", "/run/triger"],
  ["unknown field of an operator", kmeans('"clusterCount": 2, ⟦"sede"⟧: 1'), "unknown-field", "/transforms/t/sede"],
  ["misspelt needed field", kmeans('⟦"clusterCuont"⟧: 2'), "unknown-field", "/transforms/t/clusterCuont"],
  ["misspelt field of the language", filter('⟦"form"⟧: "s"'), "unknown-field", "/transforms/t/form"],
  [
    "sources read nothing",
    spec({ sources: '"s": { "type": "generate", "rows": 1, ⟦"from"⟧: "x" }' }),
    "unknown-field",
    "/sources/s/from",
  ],
  ["name is missing", spec({}).replace('  "name": "p",\n', "").replace("{", "⟦{⟧"), "missing-field", ""],
  [
    "sinks are missing",
    '⟦{⟧ "name": "p", "sources": { "s": { "type": "generate", "rows": 1 } } }',
    "missing-field",
    "",
  ],
  ["missing field of an operator", kmeans('"seed": 1').replace('"t"', '⟦"t"⟧'), "missing-field", "/transforms/t"],
  ["missing type", spec({ transforms: '⟦"t"⟧: { "from": "s" }' }), "missing-field", "/transforms/t"],
  ["missing from", spec({ transforms: '⟦"t"⟧: { "type": "filter", "where": "a" }' }), "missing-field", "/transforms/t"],
  [
    "missing field in an object",
    select('"columns": ["a"], ⟦"clusterCounts"⟧: { "from": 2 }'),
    "missing-field",
    "/transforms/t/clusterCounts",
  ],
  ["bad name", spec({}).replace('"p"', '⟦"My Pipeline"⟧'), "invalid-value", "/name"],
  ["name of a wrong type", spec({}).replace('"p"', "⟦7⟧"), "invalid-value", "/name"],
  [
    "sources of a wrong type",
    spec({})
      .replace(/"sources": .*/, '"sources": ⟦[]⟧,')
      .replace('"from": "s"', '"from": "${env:X}"'),
    "invalid-value",
    "/sources",
  ],
  ["operator of a wrong type", spec({ transforms: '"t": ⟦"filter"⟧' }), "invalid-value", "/transforms/t"],
  [
    "type of a wrong type",
    spec({ transforms: '"t": { "from": "s", "type": ⟦3⟧ }' }),
    "invalid-value",
    "/transforms/t/type",
  ],
  ["text for a list", kmeans('"clusterCount": 2').replace('["a"]', '⟦"a"⟧'), "invalid-value", "/transforms/t/columns"],
  [
    "number in a list of texts",
    kmeans('"clusterCount": 2').replace('["a"]', '["a", ⟦1⟧]'),
    "invalid-value",
    "/transforms/t/columns/1",
  ],
  ["empty list", kmeans('"clusterCount": 2').replace('["a"]', "⟦[]⟧"), "invalid-value", "/transforms/t/columns"],
  ["number out of range", kmeans('"clusterCount": ⟦5000⟧'), "invalid-value", "/transforms/t/clusterCount"],
  ["fraction for an integer", kmeans('"clusterCount": ⟦1.5⟧'), "invalid-value", "/transforms/t/clusterCount"],
  [
    "none of the alternatives",
    select('"columns": ["a"], "clusterCounts": ⟦"all"⟧'),
    "invalid-value",
    "/transforms/t/clusterCounts",
  ],
  [
    "inside an alternative",
    select('"columns": ["a"], "clusterCounts": { "from": ⟦"x"⟧, "to": 3 }'),
    "invalid-value",
    "/transforms/t/clusterCounts/from",
  ],
  [
    "not one of the words",
    spec({ sinks: '"out": { "type": "duckdb", "from": "s", "path": "a", "table": "b", "write": ⟦"repalce"⟧ }' }),
    "invalid-value",
    "/sinks/out/write",
  ],
  ["bad trigger", spec({ more: '"run": { "trigger": ⟦"always"⟧ }' }), "invalid-value", "/run/trigger"],
  ["bad interval", spec({ more: '"run": { "trigger": { "everyMs": ⟦0⟧ } }' }), "invalid-value", "/run/trigger/everyMs"],
  ["ratio above one", spec({ more: '"run": { "invalidRatioMax": ⟦2⟧ }' }), "invalid-value", "/run/invalidRatioMax"],
  ["bad end", spec({ more: '"run": { "onEnd": ⟦"close"⟧ }' }), "invalid-value", "/run/onEnd"],
  [
    "bad duration",
    filter('"from": "s", "watermark": { "column": "a", "delay": ⟦"10 parsecs"⟧ }'),
    "invalid-value",
    "/transforms/t/watermark/delay",
  ],
  [
    "bad duration of an operator",
    spec({ sources: '"s": { "type": "generate", "rows": 1, "every": ⟦"soon"⟧ }' }),
    "invalid-value",
    "/sources/s/every",
  ],
  [
    "bad bound",
    spec({ sources: '"s": { "type": "generate", "rows": 1, "rowsPerEpoch": ⟦-1⟧ }' }),
    "invalid-value",
    "/sources/s/rowsPerEpoch",
  ],
  [
    "bad role",
    spec({ sources: '"s": { "type": "generate", "rows": 1, "role": ⟦"lookup"⟧ }' }),
    "invalid-value",
    "/sources/s/role",
  ],
  [
    "bad output mode",
    spec({ sinks: '"out": { "type": "console", "from": "s", "outputMode": ⟦"upsert"⟧ }' }),
    "invalid-value",
    "/sinks/out/outputMode",
  ],
  [
    "cron with a wrong minute",
    spec({ more: '"schedule": { "cron": "⟦61⟧ * * * *" }' }),
    "invalid-cron",
    "/schedule/cron",
  ],
  [
    "cron with a wrong weekday",
    spec({ more: '"schedule": { "cron": "5 * * * ⟦FUN⟧" }' }),
    "invalid-cron",
    "/schedule/cron",
  ],
  ["cron with four fields", spec({ more: '"schedule": { "cron": "⟦5 * * *⟧" }' }), "invalid-cron", "/schedule/cron"],
  [
    "unknown time zone",
    spec({ more: '"schedule": { "cron": "5 * * * *", "timeZone": ⟦"Mars/Olympus"⟧ }' }),
    "invalid-value",
    "/schedule/timeZone",
  ],
  [
    "test of nothing",
    spec({ more: '"tests": [{ "name": "a", "given": { ⟦"x"⟧: [] }, "expect": { "out": [] } }]' }),
    "unknown-id",
    "/tests/0/given/x",
  ],
  [
    "format with an unknown field",
    spec({
      sinks: '"out": { "type": "files", "from": "s", "url": "a", "format": { "type": "csv", ⟦"hedaer"⟧: true } }',
    }),
    "unknown-field",
    "/sinks/out/format/hedaer",
  ],
  [
    "format with a wrong value",
    spec({ sinks: '"out": { "type": "files", "from": "s", "url": "a", "format": { "type": "csv", "header": ⟦1⟧ } }' }),
    "invalid-value",
    "/sinks/out/format/header",
  ],
  [
    "format without a type",
    spec({ sinks: '"out": { "type": "files", "from": "s", "url": "a", ⟦"format"⟧: {} }' }),
    "missing-field",
    "/sinks/out/format",
  ],
  [
    "unknown format in a list",
    spec({ sinks: '"out": { "type": "console", "from": "s", "formats": [{ "type": ⟦"jsn"⟧ }] }' }),
    "unknown-format",
    "/sinks/out/formats/0/type",
  ],
  [
    "source for a format",
    spec({ sinks: '"out": { "type": "files", "from": "s", "url": "a", "format": { "type": ⟦"kafka"⟧ } }' }),
    "unknown-format",
    "/sinks/out/format/type",
  ],
];

const graph: readonly Case[] = [
  [
    "no source",
    spec({ transforms: "", sinks: '"out": { "type": "console", "from": "${env:X}" }' }).replace(
      /"sources": .*/,
      '⟦"sources"⟧: {},',
    ),
    "no-source",
    "/sources",
  ],
  ["no sink", spec({}).replace(/"sinks": .*/, '⟦"sinks"⟧: {}'), "no-sink", "/sinks"],
  [
    "bad id",
    spec({ transforms: '⟦"1st"⟧: { "type": "filter", "from": "s", "where": "a" }' }),
    "invalid-id",
    "/transforms/1st",
  ],
  [
    "id with a dot",
    spec({ transforms: '⟦"a.b"⟧: { "type": "filter", "from": "s", "where": "a" }' }),
    "invalid-id",
    "/transforms/a.b",
  ],
  [
    "id used twice",
    spec({ transforms: '⟦"s"⟧: { "type": "filter", "from": "s.invalid", "where": "a" }' }),
    "duplicate-id",
    "/transforms/s",
  ],
  [
    "unknown operator",
    spec({ transforms: '"t": { "type": ⟦"fliter"⟧, "from": "s" }' }),
    "unknown-operator",
    "/transforms/t/type",
  ],
  [
    "transform among the sinks",
    spec({ sinks: '"out": { "type": ⟦"kmeans"⟧, "from": "s" }' }),
    "unknown-operator",
    "/sinks/out/type",
  ],
  ["format among the sources", spec({ sources: '"s": { "type": ⟦"csv"⟧ }' }), "unknown-operator", "/sources/s/type"],
  ["reads nothing", spec({ sinks: '"out": { "type": "console", "from": ⟦""⟧ }' }), "unknown-id", "/sinks/out/from"],
  [
    "reads an unknown id",
    spec({ sinks: '"out": { "type": "console", "from": ⟦"ss"⟧ }' }),
    "unknown-id",
    "/sinks/out/from",
  ],
  [
    "reads an unknown id in a list",
    spec({ sinks: '"out": { "type": "console", "from": ["s", ⟦"x"⟧] }' }),
    "unknown-id",
    "/sinks/out/from/1",
  ],
  [
    "reads a port of an unknown id",
    spec({ sinks: '"out": { "type": "console", "from": "⟦src⟧.main" }' }),
    "unknown-id",
    "/sinks/out/from",
  ],
  [
    "reads an unknown port",
    spec({ sinks: '"out": { "type": "console", "from": "s.⟦late⟧" }' }),
    "unknown-port",
    "/sinks/out/from",
  ],
  [
    "reads an empty port",
    spec({ sinks: '"out": { "type": "console", "from": "s⟦.⟧" }' }).replace("s⟦.⟧", 's.⟦"⟧').replace('"⟧"', '"⟧'),
    "unknown-port",
    "/sinks/out/from",
  ],
  ["reads a sink", filter('"from": ⟦"out"⟧'), "reads-sink", "/transforms/t/from"],
  ["reads itself", filter('"from": ⟦"t"⟧'), "cycle", "/transforms/t/from"],
  [
    "reads in a circle",
    spec({
      transforms:
        '"a": { "type": "filter", "where": "x", "from": ⟦"b"⟧ }, "b": { "type": "filter", "where": "x", "from": "a" }',
    }),
    "cycle",
    "/transforms/a/from",
  ],
  [
    "reads in a circle and from outside",
    spec({
      transforms:
        '"a": { "type": "filter", "where": "x", "from": ["s", ⟦"b"⟧] }, "b": { "type": "filter", "where": "x", "from": "a" }',
    }),
    "cycle",
    "/transforms/a/from/1",
  ],
  ["from of a wrong type", filter('"from": ⟦7⟧'), "invalid-value", "/transforms/t/from"],
  ["empty list to read", filter('"from": ⟦[]⟧'), "invalid-value", "/transforms/t/from"],
  ["one input for two", join('⟦"from"⟧: "s"'), "missing-input", "/transforms/t/from"],
  ["missing input", join('⟦"from"⟧: { "left": "s" }'), "missing-input", "/transforms/t/from"],
  [
    "unknown input",
    join('"from": { "left": "s", "right": "s", ⟦"rihgt"⟧: "s" }'),
    "unknown-input",
    "/transforms/t/from/rihgt",
  ],
  ["named inputs for one", filter('⟦"from"⟧: { "left": "s" }'), "unknown-input", "/transforms/t/from"],
  [
    "unknown connection",
    spec({ sources: '"s": { "type": "generate", "rows": 1, "connection": ⟦"noa"⟧ }' }),
    "unknown-connection",
    "/sources/s/connection",
  ],
  ["connection without a type", spec({ more: '"connections": { ⟦"c"⟧: {} }' }), "missing-field", "/connections/c"],
  [
    "bad name of a connection",
    spec({ more: '"connections": { ⟦"a b"⟧: { "type": "s3" } }' }),
    "invalid-id",
    "/connections/a b",
  ],
  ["password", connections('"password": ⟦"hunter2"⟧'), "secret-literal", "/connections/c/password"],
  [
    "password from a placeholder",
    connections('"secretAccessKey": ⟦"${env:KEY:-x}"⟧'),
    "secret-literal",
    "/connections/c/secretAccessKey",
  ],
  [
    "token deep inside",
    connections('"sasl": [{ "api_token": ⟦"abc"⟧ }]'),
    "secret-literal",
    "/connections/c/sasl/0/api_token",
  ],
  [
    "secret with two homes",
    connections('"token": ⟦{ "env": "A", "file": "b" }⟧'),
    "secret-literal",
    "/connections/c/token",
  ],
];

const placeholders: readonly Case[] = [
  [
    "undeclared parameter",
    filter('"from": "s"').replace('"a"', '"${param:⟦hour⟧}"'),
    "unknown-parameter",
    "/transforms/t/where",
  ],
  [
    "parameter without a value",
    parameters('⟦"n"⟧: { "type": "integer" }', '"${param:n}"'),
    "missing-parameter",
    "/parameters/n",
  ],
  [
    "default of a wrong type",
    parameters('"n": { "type": "integer", "default": ⟦"3"⟧ }', '"${param:n}"'),
    "invalid-value",
    "/parameters/n/default",
  ],
  [
    "default that is no day",
    parameters('"d": { "type": "date", "default": ⟦"2018-02-30"⟧ }', '"${param:d}"'),
    "invalid-value",
    "/parameters/d/default",
  ],
  [
    "unknown type of parameter",
    parameters('"n": { "type": ⟦"int"⟧ }', '"${param:n}"'),
    "invalid-value",
    "/parameters/n/type",
  ],
  [
    "unknown directive",
    spec({
      transforms: '"t": { "type": "filter", "from": "s", "where": "é \\"${param:d|%Y⟦%Q⟧}" }',
      more: '"parameters": { "d": { "type": "date", "default": "2018-01-01" } }',
    }),
    "invalid-placeholder",
    "/transforms/t/where",
  ],
  [
    "pattern for a number",
    parameters('"n": { "type": "integer", "default": 1 }', '"${param:n|⟦%Y⟧}"'),
    "invalid-placeholder",
    "/sources/s/rows",
  ],
  [
    "variable that is not set",
    connections('"region": "x-⟦${env:REGION}⟧"'),
    "missing-variable",
    "/connections/c/region",
  ],
  [
    "placeholder without a kind",
    connections('"region": "⟦${region}⟧"'),
    "invalid-placeholder",
    "/connections/c/region",
  ],
  ["placeholder without end", connections('"region": "⟦${env⟧:A"'), "invalid-placeholder", "/connections/c/region"],
  [
    "text parameter for a number",
    parameters('"n": { "type": "string", "default": "x" }', '⟦"${param:n}"⟧'),
    "invalid-value",
    "/sources/s/rows",
  ],
];

const layout: readonly Case[] = [
  ["carriage returns", spec({ more: '⟦"x"⟧: 1' }).replaceAll("\n", "\r\n"), "unknown-field", "/x"],
  ["tabs", spec({ more: '\t⟦"x"⟧: 1' }), "unknown-field", "/x"],
  ["a byte order mark", `\uFEFF{⟦"x"⟧: 1, ${spec({}).slice(1)}`, "unknown-field", "/x"],
  [
    "characters of two units",
    connections('"a😀é": "日本", "password": ⟦"p"⟧'),
    "secret-literal",
    "/connections/c/password",
  ],
  [
    "escapes before the place",
    spec({ sinks: '"out": { "type": "console", "from": "\\u0073.⟦l\\u0061te⟧" }' }),
    "unknown-port",
    "/sinks/out/from",
  ],
  [
    "keys with / and ~",
    connections('"a/b~c": { "password": ⟦"p"⟧ }'),
    "secret-literal",
    "/connections/c/a~1b~0c/password",
  ],
];

/** Strips the marks; the place counts characters, a byte order mark left out. */
function marked(text: string): { text: string; line: number; column: number; length: number } {
  const [before, range, after] = text.split(/[⟦⟧]/) as [string, string, string];
  const lines = before.replace("\uFEFF", "").split(/\r?\n/);
  const column = Array.from(lines.at(-1)!).length + 1;
  return { text: before + range + after, line: lines.length, column, length: Math.max(1, Array.from(range).length) };
}

describe.each([
  ["syntax", syntax],
  ["fields", fields],
  ["graph", graph],
  ["placeholders", placeholders],
  ["layout", layout],
])("%s", (_, cases) => {
  it.each(cases)("%s", async (_title, source, code, pointer) => {
    const { text, ...place } = marked(source);
    const { issues, spec: result } = await parseSpec(text, { registry, file: "p.json" });
    const errors = issues.filter((issue) => issue.severity === "error");
    const known = ["no-source", "/sources"].includes(pointer)
      ? errors.filter((issue) => issue.pointer === pointer)
      : errors;
    expect(known.map((issue) => [issue.code, issue.pointer])).toEqual([[code, pointer]]);
    expect(known[0]).toMatchObject(place);
    expect(result).toBeNull();
  });
});

describe("specs that are right", () => {
  it.each(Object.entries(pipelines))("%s has no issue", async (name, text) => {
    const parameters = given.parameters[name] ?? {};
    const { issues } = await parseSpec(text, { registry, parameters, environment: given.environment });
    expect(issues).toEqual([]);
  });

  it("keeps operators in document order, with inputs, bounds and the operator's own fields", async () => {
    const { spec: clicks } = await parseSpec(pipelines["clicks-per-window"]!, { registry });
    expect(clicks?.operators.map((operator) => operator.id)).toEqual([
      "clicks",
      "flat",
      "windows",
      "csv",
      "parquet",
      "late",
    ]);
    expect(clicks?.operators[0]?.bounds).toEqual({ filesPerEpoch: 5 });
    expect(clicks?.operators[1]).toMatchObject({
      config: { names: "leaf" },
      watermark: { column: "datetime", delay: "10 seconds" },
      inputs: { main: [{ operator: "clicks", port: "main" }] },
    });
    expect(clicks?.operators[4]).toMatchObject({ outputMode: "append", pointer: "/sinks/parquet" });
    expect(clicks?.operators[5]?.inputs).toEqual({ main: [{ operator: "windows", port: "late" }] });
    expect(clicks?.run).toEqual({
      trigger: { everyMs: 5000 },
      checkpoint: "./data/checkpoints/clicks",
      seed: 0,
      onEnd: "hold",
    });
  });

  it("reads named inputs", async () => {
    const { spec: clusters } = await parseSpec(pipelines["lightning-clusters"]!, { registry });
    expect(clusters?.operators.at(-1)?.inputs).toEqual({
      points: [{ operator: "clusters", port: "main" }],
      choice: [{ operator: "choice", port: "main" }],
    });
  });

  it("allows comments in .jsonc, and when told", async () => {
    const text = `// why\n${spec({})}`;
    const by = async (options: object): Promise<number> =>
      (await parseSpec(text, { registry, ...options })).issues.length;
    expect(await Promise.all([by({ file: "p.jsonc" }), by({ comments: true }), by({ file: "p.json" })])).toEqual([
      0, 0, 1,
    ]);
  });
});

describe("warnings", () => {
  it("tells of what nobody uses and still gives the spec", async () => {
    const text = spec({
      transforms: '"t": { "type": "filter", "from": "s", "where": "a" }',
      more: '"parameters": { "n": { "type": "integer", "default": 1 } }',
    });
    const { issues, spec: result } = await parseSpec(text, { registry });
    expect(issues.map((issue) => [issue.severity, issue.code, issue.pointer])).toEqual([
      ["warning", "unused-operator", "/transforms/t"],
      ["warning", "unused-parameter", "/parameters/n"],
    ]);
    expect(result?.name).toBe("p");
  });
});

describe("all at once", () => {
  it("finds what is wrong in every part, sorted by place", async () => {
    const text = spec({
      sources: '"s": { "type": "generate", "rows": "x" }',
      transforms: '"t": { "type": "filter", "from": "z", "wher": "a", }',
      more: '"run": { "sed": 1 }, "run": {}',
    });
    const { issues } = await parseSpec(text, { registry });
    expect(issues.map((issue) => issue.code)).toEqual([
      "invalid-value",
      "unknown-id",
      "unknown-field",
      "invalid-json",
      "duplicate-key",
    ]);
  });

  it("names who is in a circle", async () => {
    const one = (id: string, from: string): string => `"${id}": { "type": "filter", "where": "x", "from": "${from}" }`;
    const text = spec({ transforms: [one("a", "b"), one("b", "c"), one("c", "a")].join(", ") });
    const { issues } = await parseSpec(text, { registry });
    expect(issues.map((issue) => issue.message)).toEqual(["operators read from each other in a circle: a → c → b → a"]);
  });

  it("names the other kind of a misplaced operator", async () => {
    const { issues } = await parseSpec(spec({ sinks: '"out": { "type": "kmeans", "from": "s" }' }), { registry });
    expect(issues[0]).toMatchObject({ message: '"kmeans" is a transform; put it under "transforms"', fix: null });
  });

  it("refuses a spec of more than 1 MiB without reading it", async () => {
    const { issues, spec: result } = await parseSpec(spec({ more: `"plugins": ["${"é".repeat(2 ** 19)}"]` }), {
      registry,
    });
    expect(issues.map((issue) => issue.code)).toEqual(["spec-too-large"]);
    expect(result).toBeNull();
  });

  it("reports an operator that cannot be loaded as an issue", async () => {
    const broken = { ...registry, find: () => Promise.reject(new Error("no such library")) };
    const { issues } = await parseSpec(spec({}), { registry: broken });
    expect(issues[0]).toMatchObject({ code: "operator-unavailable", pointer: "/sources/s/type" });
  });

  it("never shows what a variable holds", async () => {
    const text = spec({ sources: '"s": { "type": "generate", "rows": "${env:KEY}" }' });
    const { issues } = await parseSpec(text, { registry, environment: { KEY: "canary" } });
    expect(issues[0]?.message).toContain("${env:KEY}");
    expect(JSON.stringify(issues)).not.toContain("canary");
  });
});
