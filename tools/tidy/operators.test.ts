import { registry } from "@sferic/catalog";
import { defineFormat } from "@sferic/operator";
import { expect, test } from "vitest";
import { z } from "zod";
import { definitions } from "../docs/reference.ts";
import { declaredOperators, incompleteDeclarations, operatorFiles } from "./operators.ts";
import { checkout, madeUp } from "./tree.ts";

test("one file per operator, named for it, with a test", () => {
  expect(operatorFiles(checkout())).toEqual([]);
});

test("a misnamed and an untested operator are found", () => {
  const tree = madeUp({
    "packages/sinks/src/console.ts": 'export const lamp = defineSink({\n  type: "lamp",',
    "packages/sinks/src/console.test.ts": "",
    "packages/transforms/src/filter.ts": 'export const filter = defineTransform({ type: "filter",',
    "packages/transforms/src/expressions.ts": "export const x = 1;",
  });
  expect(operatorFiles(tree)).toEqual([
    'packages/sinks/src/console.ts:1: declares "lamp"; a file is named for its operator',
    "packages/transforms/src/filter.ts: has no test beside it",
  ]);
});

test("the catalog lists exactly the operators there are", async () => {
  const listed = (await definitions(registry)).map(({ kind, type }) => `${kind} ${type}`);
  expect(listed.toSorted()).toEqual(declaredOperators(checkout()));
});

test("every declaration is complete", async () => {
  expect(incompleteDeclarations(await definitions(registry))).toEqual([]);
});

test("an incomplete declaration is found", () => {
  const bare = defineFormat({
    type: "bareFormat",
    since: "0.1.0",
    status: "stable",
    summary: "bare",
    errors: ["Bad_Code"],
    examples: [],
    config: z.strictObject({ header: z.boolean() }),
    create: () => ({ ending: "bare" }),
  });
  expect(incompleteDeclarations([bare])).toEqual([
    "format bareFormat: the summary is not a sentence",
    "format bareFormat: has no example",
    "format bareFormat: the field header has no description",
    'format bareFormat: "bareFormat" is not kebab-case',
    'format bareFormat: "Bad_Code" is not kebab-case',
  ]);
});
