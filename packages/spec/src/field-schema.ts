import { z } from "zod";
import { isObject, type Path } from "./pointer.ts";

/** A JSON Schema, as far as it is looked into here. */
export interface FieldSchema {
  $ref?: string;
  $defs?: Record<string, FieldSchema>;
  type?: string;
  const?: unknown;
  enum?: unknown[];
  description?: string;
  properties?: Record<string, FieldSchema>;
  required?: string[];
  additionalProperties?: FieldSchema | boolean;
  propertyNames?: FieldSchema;
  items?: FieldSchema;
  prefixItems?: FieldSchema[];
  minItems?: number;
  anyOf?: FieldSchema[];
  oneOf?: FieldSchema[];
  allOf?: FieldSchema[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minLength?: number;
  /** Set by `formatField`: the value names an operator of this kind and holds its configuration. */
  operatorKind?: string;
  [keyword: string]: unknown;
}

const known = new WeakMap<z.ZodType, FieldSchema>();

/** The JSON Schema of what a zod schema takes; computed once per schema. */
export function fieldSchema(schema: z.ZodType): FieldSchema {
  let found = known.get(schema);
  if (found === undefined) {
    found = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as FieldSchema;
    known.set(schema, found);
  }
  return found;
}

const refsMax = 16;

/** Every schema that may hold at this place: references followed, alternatives listed one by one. */
export function alternatives(schema: FieldSchema, root: FieldSchema, refs = 0): FieldSchema[] {
  if (schema.$ref !== undefined && refs < refsMax) {
    const target = schema.$ref === "#" ? root : root.$defs?.[schema.$ref.replace("#/$defs/", "")];
    return target === undefined ? [] : alternatives(target, root, refs + 1);
  }
  const branches = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])];
  return [schema, ...branches.flatMap((branch) => alternatives(branch, root, refs))];
}

/** The schemas that may hold for the child of a value. */
export function childSchemas(schema: FieldSchema, root: FieldSchema, part: PropertyKey): FieldSchema[] {
  const key = String(part);
  return alternatives(schema, root).flatMap((option) => {
    const index = Number(part);
    if (option.properties !== undefined && Object.hasOwn(option.properties, key)) return [option.properties[key]!];
    if (option.prefixItems?.[index] !== undefined) return [option.prefixItems[index]];
    if (option.items !== undefined && Number.isInteger(index)) return [option.items];
    return isObject(option.additionalProperties) ? [option.additionalProperties as FieldSchema] : [];
  });
}

/** The schemas that may hold at a path. */
export function schemasAt(root: FieldSchema, path: Path): FieldSchema[] {
  return path.reduce<FieldSchema[]>(
    (schemas, part) => schemas.flatMap((schema) => childSchemas(schema, root, part)),
    [root],
  );
}

/** Names of the fields that an object may have at a path. */
export function fieldNames(root: FieldSchema, path: Path): string[] {
  const options = schemasAt(root, path).flatMap((schema) => alternatives(schema, root));
  return [...new Set(options.flatMap((option) => Object.keys(option.properties ?? {})))];
}

/** The texts that a schema lists as allowed. */
export function fixedTexts(schema: FieldSchema, root: FieldSchema): string[] {
  const values = alternatives(schema, root).flatMap((option) => option.enum ?? [option.const]);
  return values.filter((value) => typeof value === "string");
}

/** A value that a schema holds for, in words: `an integer from 1 to 4096`. Undefined when nothing is known. */
export function expectation(schema: FieldSchema, root: FieldSchema): string | undefined {
  const leaves = alternatives(schema, root).filter(
    (option) => option.anyOf === undefined && option.oneOf === undefined && option.allOf === undefined,
  );
  const words = [...new Set(leaves.flatMap((leaf) => leafExpectation(leaf) ?? []))];
  return words.length === 0 ? undefined : words.join(" or ");
}

function leafExpectation(schema: FieldSchema): string | undefined {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) {
    const values = schema.enum.map((value) => JSON.stringify(value));
    return values.length === 1 ? values[0] : `one of ${values.join(", ")}`;
  }
  switch (schema.type) {
    case "integer":
      return `an integer${range(schema)}`;
    case "number":
      return `a number${range(schema)}`;
    case "string":
      return (schema.minLength ?? 0) > 0 ? "a text that is not empty" : "a text";
    case "boolean":
      return "true or false";
    case "array":
      return (schema.minItems ?? 0) > 0 ? `a list of at least ${schema.minItems}` : "a list";
    case "object": {
      const required = (schema.required ?? []).map((name) => `"${name}": …`).join(", ");
      return required === "" ? "an object" : `an object { ${required} }`;
    }
    case "null":
      return "null";
    default:
      return undefined;
  }
}

function range(schema: FieldSchema): string {
  const low = schema.minimum ?? Number.MIN_SAFE_INTEGER;
  const high = schema.maximum ?? Number.MAX_SAFE_INTEGER;
  const words: string[] = [];
  if (schema.exclusiveMinimum !== undefined) words.push(`above ${schema.exclusiveMinimum}`);
  if (schema.exclusiveMaximum !== undefined) words.push(`below ${schema.exclusiveMaximum}`);
  const hasLow = low > Number.MIN_SAFE_INTEGER;
  const hasHigh = high < Number.MAX_SAFE_INTEGER;
  if (hasLow && hasHigh) words.push(`from ${low} to ${high}`);
  else if (hasLow) words.push(`of at least ${low}`);
  else if (hasHigh) words.push(`of at most ${high}`);
  return words.length === 0 ? "" : ` ${words.join(" and ")}`;
}

/** Whether the schema says that a secret stands at a path: `writeOnly`, as `secretField` has it. */
export function isSecretAt(root: FieldSchema, path: Path): boolean {
  return schemasAt(root, path).some((schema) => isSecret(schema, root));
}

function isSecret(schema: FieldSchema, root: FieldSchema): boolean {
  return alternatives(schema, root).some((option) => option["writeOnly"] === true);
}

/** Values in a configuration that hold the configuration of a format, with their paths. */
export function nestedFormats(
  root: FieldSchema,
  value: unknown,
): { path: PropertyKey[]; config: Record<string, unknown> }[] {
  const found: { path: PropertyKey[]; config: Record<string, unknown> }[] = [];
  visitFields(root, value, (options, part, path) => {
    const isFormat = isObject(part) && options.some((option) => option.operatorKind === "format");
    if (isFormat) found.push({ path, config: part });
    return !isFormat;
  });
  return found;
}

/** Paths of the values in a configuration that the schema says hold secrets. */
export function secretPaths(root: FieldSchema, value: unknown): PropertyKey[][] {
  const found: PropertyKey[][] = [];
  visitFields(root, value, (options, _, path) => {
    const isSecretHere = options.some((option) => option["writeOnly"] === true);
    if (isSecretHere) found.push(path);
    return !isSecretHere;
  });
  return found;
}

/** Calls `look` for every value that a schema knows, with all schemas that may hold for it; goes below while it is true. */
function visitFields(
  root: FieldSchema,
  value: unknown,
  look: (options: FieldSchema[], part: unknown, path: PropertyKey[]) => boolean,
): void {
  const visit = (schemas: FieldSchema[], part: unknown, path: PropertyKey[]): void => {
    if (schemas.length === 0) return;
    const options = schemas.flatMap((schema) => alternatives(schema, root));
    if (!look(options, part, path) || typeof part !== "object" || part === null) return;
    const children: [PropertyKey, unknown][] = Array.isArray(part) ? [...part.entries()] : Object.entries(part);
    for (const [key, child] of children) {
      visit(
        schemas.flatMap((schema) => childSchemas(schema, root, key)),
        child,
        [...path, key],
      );
    }
  };
  visit([root], value, []);
}
