import { describe, expect, it } from "vitest";
import { formatIssue } from "./format-issue.ts";
import { applyFixes, type Issue, sortIssues } from "./issue.ts";
import { parseSpec } from "./parse.ts";
import { mutations, random } from "./testing/mutations.ts";
import { given, pipelines } from "./testing/pipelines.ts";
import { doubles } from "./testing/registry.ts";

const registry = doubles();
const environment = given.environment;

/** Whether the range lies on its line, or is the one character after its end. */
function isPlace(issue: Issue, line: string | undefined): boolean {
  if (line === undefined || issue.column < 1 || issue.length < 1) return false;
  const width = Array.from(line).length;
  return issue.column + issue.length - 1 <= width || (issue.column === width + 1 && issue.length === 1);
}

describe("any damage to a spec", () => {
  it.each(Object.entries(pipelines))(
    "to %s gives issues with a valid place, and never throws",
    async (name, pipeline) => {
      const options = { registry, parameters: given.parameters[name] ?? {}, environment };
      const texts = [...mutations(pipeline, 500, random(name.length))];
      const readings = await Promise.all(texts.map(async (text) => ({ text, ...(await parseSpec(text, options)) })));
      for (const { text, issues, spec, document } of readings) {
        const lines = text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/);
        const misplaced = issues.filter((issue) => !isPlace(issue, lines[issue.line - 1]));
        const unshown = issues.filter((issue) => !formatIssue(issue, document).includes("^"));
        const failed = issues.some((issue) => issue.severity === "error");
        expect({ text, misplaced, unshown, failed }).toEqual({
          text,
          misplaced: [],
          unshown: [],
          failed: spec === null,
        });
        expect(issues).toEqual(sortIssues(issues));
      }
    },
  );

  it.each(Object.entries(pipelines))("to %s: a fix removes its issue", async (name, pipeline) => {
    const options = { registry, parameters: given.parameters[name] ?? {}, environment };
    const fixOne = async (text: string): Promise<{ text: string; one: Issue; left: Issue[] } | undefined> => {
      const { issues } = await parseSpec(text, options);
      const one = issues.find((issue) => issue.fix !== null);
      return one && { text, one, left: (await parseSpec(applyFixes(text, [one]), options)).issues };
    };
    const fixed = await Promise.all([...mutations(pipeline, 300, random(3))].map(fixOne));
    const found = fixed.filter((result) => result !== undefined);
    expect(found.length).toBeGreaterThan(10);
    for (const { text, one, left } of found) {
      const still = left.filter(
        ({ line, column, message }) => line === one.line && column === one.column && message === one.message,
      );
      expect({ text, still }).toEqual({ text, still: [] });
    }
  });
});
