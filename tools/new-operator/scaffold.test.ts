import { expect, test } from "vitest";
import { operatorFiles, incompleteDeclarations } from "../tidy/operators.ts";
import { madeUp } from "../tidy/tree.ts";
import { addToCatalog, kinds, scaffold } from "./scaffold.ts";
import { templateName as format } from "./templates/format.ts";
import { templateName as sink } from "./templates/sink.ts";
import { templateName as source } from "./templates/source.ts";
import { templateName as transform } from "./templates/transform.ts";

test.each(kinds)("a new %s follows the rules of this repository", (kind) => {
  const { files } = scaffold(kind, "hail-size");
  expect(Object.keys(files)).toEqual([`packages/${kind}s/src/hail-size.ts`, `packages/${kind}s/src/hail-size.test.ts`]);
  expect(operatorFiles(madeUp(files))).toEqual([]);
  expect(Object.values(files).join("")).toContain("export const hailSize = ");
  expect(Object.values(files).join("")).toContain('from "./hail-size.ts"');
  expect(Object.values(files).join("")).not.toMatch(/template/i);
});

test("templates are complete", () => {
  expect(incompleteDeclarations([format, sink, source, transform])).toEqual([]);
});

test("the catalog gets one line in its place", () => {
  const catalog = '  { kind: "source", a },\n  {\n    kind: "sink",\n    b,\n  },\n  { kind: "transform", c },\n';
  expect(addToCatalog(catalog, "sink", "  NEW")).toBe(
    '  { kind: "source", a },\n  {\n    kind: "sink",\n    b,\n  },\n  NEW\n  { kind: "transform", c },\n',
  );
  expect(() => addToCatalog("", "sink", "")).toThrow("The catalog has no sink");
});

test("a wrong kind or name is refused", () => {
  expect(() => scaffold("step", "a")).toThrow('"step" is not one of source, format, transform, sink.');
  expect(() => scaffold("sink", "HailSize")).toThrow("not a kebab-case name");
});
