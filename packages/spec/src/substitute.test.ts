import { describe, expect, it } from "vitest";
import { parseSpec } from "./parse.ts";
import type { OperatorNode, Parameter } from "./model.ts";
import { doubles } from "./testing/registry.ts";

interface Given {
  declared?: string;
  rows?: string;
  where?: string;
  parameters?: Record<string, string>;
  environment?: Record<string, string>;
}

const registry = doubles();

async function read(options: Given): Promise<{
  codes: string[];
  operators: readonly OperatorNode[];
  parameters: Readonly<Record<string, Parameter>> | undefined;
}> {
  const { declared = "", rows = "1", where = "a", parameters = {}, environment = {} } = options;
  const text = `{ "name": "p", "parameters": { ${declared} },
    "sources": { "s": { "type": "generate", "rows": ${rows} } },
    "transforms": { "t": { "type": "filter", "from": "s", "where": ${JSON.stringify(where)} } },
    "sinks": { "out": { "type": "console", "from": "t" } } }`;
  const { spec, issues } = await parseSpec(text, { registry, parameters, environment });
  return { codes: issues.map((issue) => issue.code), operators: spec?.operators ?? [], parameters: spec?.parameters };
}

async function where(text: string, options: Given = {}): Promise<unknown> {
  return (await read({ where: text, ...options })).operators[1]?.config["where"];
}

describe("placeholders", () => {
  it("fill in given values before defaults", async () => {
    const declared = '"n": { "type": "integer", "default": 3 }';
    expect(await where("x > ${param:n}", { declared })).toBe("x > 3");
    expect(await where("x > ${param:n}", { declared, parameters: { n: "-12" } })).toBe("x > -12");
  });

  it("keep the type of a value that is one placeholder", async () => {
    const { operators } = await read({
      declared: '"n": { "type": "integer" }',
      rows: '"${param:n}"',
      parameters: { n: "7" },
    });
    expect(operators[0]?.config).toEqual({ rows: 7 });
  });

  it("format times in UTC", async () => {
    const options = { declared: '"h": { "type": "timestamp" }', parameters: { h: "2018-07-02T04:30:00+05:30" } };
    expect(await where("${param:h|%Y/%j/%H}", options)).toBe("2018/182/23");
    expect(await where("${param:h}", options)).toBe("2018-07-02T04:30:00+05:30");
  });

  it("take variables, and defaults for those that are not set or empty", async () => {
    const text = "${env:A:-x:y} ${env:B:-}|${env:C:-127.0.0.1:9092}";
    expect(await where(text, { environment: { A: "1", B: "" } })).toBe("1 |127.0.0.1:9092");
    expect(await where("-${env:B}-", { environment: { B: "" } })).toBe("--");
  });

  it("leave other dollar signs alone, and do not fill in what was filled in", async () => {
    expect(await where("regexp_matches(a, '^x$') ${env:A}", { environment: { A: "${env:B}$1" } })).toBe(
      "regexp_matches(a, '^x$') ${env:B}$1",
    );
  });

  it("do not reach inherited names", async () => {
    expect((await read({ where: "${env:constructor}" })).codes).toEqual(["missing-variable"]);
    expect((await read({ where: "${param:toString}" })).codes).toEqual(["unknown-parameter"]);
  });
});

describe("values of parameters", () => {
  it.each([
    ["integer", "12", 12],
    ["integer", "1.5", undefined],
    ["integer", "99999999999999999999", undefined],
    ["number", "-2.5e3", -2500],
    ["number", "", undefined],
    ["number", "Infinity", undefined],
    ["boolean", "true", true],
    ["boolean", "yes", undefined],
    ["date", "2020-02-29", "2020-02-29"],
    ["date", "2019-02-29", undefined],
    ["timestamp", "2018-07-02T04", "2018-07-02T04"],
    ["timestamp", "2018-07-02 04:00:00.123456789Z", "2018-07-02 04:00:00.123456789Z"],
    ["timestamp", "2018-07-02T24:00", undefined],
    ["timestamp", "yesterday", undefined],
    ["string", "", ""],
  ])("%s %j is %j", async (type, given, value) => {
    const { codes, parameters } = await read({
      declared: `"v": { "type": "${type}" }`,
      where: "a ${param:v}",
      parameters: { v: given },
    });
    expect(codes).toEqual(value === undefined ? ["invalid-parameter"] : []);
    expect(parameters?.["v"]?.value).toBe(value);
  });

  it("may not be given for what is not declared", async () => {
    const { codes } = await read({
      declared: '"hour": { "type": "string" }',
      where: "${param:hour}",
      parameters: { huor: "1" },
    });
    expect(codes.toSorted()).toEqual(["missing-parameter", "unknown-parameter"]);
  });
});
