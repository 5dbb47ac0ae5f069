import { describe, expect, it } from "vitest";
import { formatIssue } from "./format-issue.ts";
import { applyFixes, sortIssues } from "./issue.ts";
import { parseSpec } from "./parse.ts";
import { mutations, random } from "./testing/mutations.ts";
import { given, pipelines } from "./testing/pipelines.ts";
import { doubles } from "./testing/registry.ts";

const registry = doubles();
const environment = given.environment;

describe("any damage to a spec", () => {
  it.each(Object.entries(pipelines))(
    "to %s gives issues with a valid place, and never throws",
    async (name, pipeline) => {
      const options = { registry, parameters: given.parameters[name] ?? {}, environment };
      for (const text of mutations(pipeline, 1500, random(name.length))) {
        const { issues, spec, document } = await parseSpec(text, options);
        const lines = text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/);
        for (const issue of issues) {
          const line = lines[issue.line - 1];
          const width = Array.from(line ?? "").length;
          const valid =
            line !== undefined &&
            issue.column >= 1 &&
            issue.length >= 1 &&
            (issue.column + issue.length - 1 <= width || (issue.column === width + 1 && issue.length === 1));
          expect({ text, issue, valid }).toEqual({ text, issue, valid: true });
          expect(formatIssue(issue, document)).toContain("^");
        }
        expect(issues).toEqual(sortIssues(issues));
        expect({ text, failed: issues.some((issue) => issue.severity === "error") }).toEqual({
          text,
          failed: spec === null,
        });
      }
    },
  );

  it.each(Object.entries(pipelines))("to %s: a fix removes its issue", async (name, pipeline) => {
    const options = { registry, parameters: given.parameters[name] ?? {}, environment };
    let fixed = 0;
    for (const text of mutations(pipeline, 500, random(3))) {
      const { issues } = await parseSpec(text, options);
      const one = issues.find((issue) => issue.fix !== null);
      if (one === undefined) continue;
      const { issues: left } = await parseSpec(applyFixes(text, [one]), options);
      expect({ text, one, left }).not.toEqual({ text, one, left: issues });
      fixed += 1;
    }
    expect(fixed).toBeGreaterThan(20);
  });
});
