import assert from "node:assert/strict";
import type { Definition } from "@sferic/operator";
import { assertSame, type Check } from "./check.ts";

/** What the checks of every declaration look at. */
export interface DeclarationSubject {
  readonly definition: Definition;
}

/** The rules that hold for every declaration, whatever its kind. */
export const declarationChecks: readonly Check<DeclarationSubject>[] = [
  summaryIsOneSentence,
  everyFieldIsDescribed,
  hasAnExample,
  examplesAreValidConfigurations,
  namesAreKebabCase,
  unknownFieldsAreRefused,
];

/** A sentence begins with a capital letter, ends with a full stop and has no other one before a space. */
export async function summaryIsOneSentence({ definition }: DeclarationSubject): Promise<void> {
  assert.match(
    definition.summary,
    /^[A-Z](?:(?!\. ).)*\.$/,
    `the summary must be one sentence, not "${definition.summary}"`,
  );
}

export async function everyFieldIsDescribed({ definition }: DeclarationSubject): Promise<void> {
  const json = definition.config.toJSONSchema({ io: "input", unrepresentable: "any" }) as FieldSchema;
  assertSame(undescribed(json, ""), [], "every configuration field must have a description");
}

export async function hasAnExample({ definition }: DeclarationSubject): Promise<void> {
  assert.ok(definition.examples.length > 0, "the declaration must have an example");
}

export async function examplesAreValidConfigurations({ definition }: DeclarationSubject): Promise<void> {
  for (const { title, config } of definition.examples) {
    const { error } = definition.config.safeParse(config);
    assert.equal(error, undefined, `the example "${title}" must be a valid configuration: ${error?.message}`);
  }
}

/** Of the type and of the error codes. */
export async function namesAreKebabCase({ definition }: DeclarationSubject): Promise<void> {
  const names = [definition.type, ...definition.errors];
  for (const name of names) assert.match(name, /^[a-z0-9]+(-[a-z0-9]+)*$/, `"${name}" must be kebab-case`);
}

export async function unknownFieldsAreRefused({ definition }: DeclarationSubject): Promise<void> {
  for (const { title, config } of definition.examples) {
    const { success } = definition.config.safeParse({ ...config, noSuchField: 1 });
    assert.ok(!success, `the example "${title}" with the unknown field "noSuchField" must be refused`);
  }
}

interface FieldSchema {
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly anyOf?: readonly FieldSchema[];
  readonly description?: string;
  readonly additionalProperties?: unknown;
}

/** Pointers of the fields without a description. The members of an alternative or an open object describe themselves. */
function undescribed(field: FieldSchema, pointer: string): string[] {
  return Object.entries(field.properties ?? {}).flatMap(([name, inner]) => {
    const own = (inner.description ?? "").trim() === "" ? [`${pointer}/${name}`] : [];
    return [...own, ...undescribed(inner, `${pointer}/${name}`)];
  });
}
