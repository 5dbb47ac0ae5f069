import type { Definition, Registry } from "@sferic/operator";
import { fieldSchema, type FieldSchema } from "./field-schema.ts";
import { envelopes, idPattern, type SectionKind, sections, specSchema } from "./language.ts";
import { isObject } from "./pointer.ts";

/**
 * The JSON Schema (draft 2020-12) of the whole language with every operator and format of a registry, for editors and
 * other programs. It takes every spec that `parseSpec` takes, and refuses unknown fields; what it cannot see is the graph
 * (ids, ports, cycles), values of parameters, and rules that an operator checks in code. Loads every operator.
 */
export async function jsonSchema(registry: Registry): Promise<object> {
  const builder = new SchemaBuilder();
  const all = kinds.flatMap((kind) => registry.types(kind).map((type) => registry.find(kind, type)));
  for (const definition of await Promise.all(all)) {
    if (definition === undefined) continue;
    if (definition.kind === "format") builder.addFormat(definition);
    else builder.addOperator(definition);
  }
  return builder.build();
}

const kinds = ["source", "transform", "sink", "format"] as const;

const placeholder: FieldSchema = {
  type: "string",
  pattern: "\\$\\{(param|env):[^}]*\\}",
  description: "A parameter or environment variable, filled in when the plan is made.",
};

const formatRef: FieldSchema = { $ref: "#/$defs/format" };

class SchemaBuilder {
  readonly #defs: Record<string, FieldSchema> = { placeholder };
  readonly #branches: Record<SectionKind | "format", FieldSchema[]> = {
    source: [],
    transform: [],
    sink: [],
    format: [],
  };

  addOperator(definition: Exclude<Definition, { kind: "format" }>): void {
    const own = this.#schemaOf(definition);
    const envelope = this.#rewritten(fieldSchema(envelopes[definition.kind]), "");
    const properties = { ...own.properties, ...envelope.properties };
    if (definition.kind !== "source" && typeof definition.inputs === "object") {
      properties["from"] = namedInputs(definition.inputs, definition.optionalInputs ?? []);
    }
    this.#add(definition, {
      properties,
      required: [...(envelope.required ?? []), ...(own.required ?? [])],
    });
  }

  addFormat(definition: Definition): void {
    const own = this.#schemaOf(definition);
    this.#add(definition, { properties: own.properties ?? {}, required: ["type", ...(own.required ?? [])] });
  }

  build(): FieldSchema {
    const language = this.#rewritten(fieldSchema(specSchema), "");
    for (const kind of kinds) {
      this.#defs[kind] = { type: "object", required: ["type"], oneOf: this.#branches[kind] };
    }
    const properties = { ...language.properties };
    for (const [kind, section] of Object.entries(sections)) {
      const description = language.properties?.[section]?.description;
      properties[section] = {
        ...(description === undefined ? {} : { description }),
        type: "object",
        propertyNames: { pattern: idPattern.source },
        additionalProperties: { $ref: `#/$defs/${kind}` },
        ...(kind === "transform" ? {} : { minProperties: 1 }),
      };
    }
    const $schema = "https://json-schema.org/draft/2020-12/schema";
    return { ...language, $schema, title: "Sferic pipeline", properties, $defs: this.#defs };
  }

  #add(definition: Definition, fields: FieldSchema): void {
    const { kind } = definition;
    const name = `${kind}.${definition.type}`;
    this.#defs[name] = {
      title: `${definition.type} (${kind})`,
      description: definition.summary,
      type: "object",
      ...fields,
      properties: {
        type: { const: definition.type, description: definition.summary },
        ...without(fields.properties, "type"),
      },
      required: [...new Set(["type", ...(fields.required ?? [])])],
      additionalProperties: false,
    };
    this.#branches[kind].push({ $ref: `#/$defs/${name}` });
  }

  #schemaOf(definition: Definition): FieldSchema {
    const schema = fieldSchema(definition.config);
    const prefix = `${definition.kind}.${definition.type}.`;
    for (const [name, def] of Object.entries(schema.$defs ?? {})) {
      this.#defs[prefix + name] = this.#rewritten(def, prefix);
    }
    return this.#rewritten(schema, prefix);
  }

  /** The schema with references to its own definitions moved, formats filled in, and placeholders allowed for values. */
  #rewritten(schema: FieldSchema, prefix: string): FieldSchema {
    if (schema.operatorKind === "format") {
      return schema.description === undefined ? formatRef : { description: schema.description, ...formatRef };
    }
    const moved: FieldSchema = Object.fromEntries(
      Object.entries(schema)
        .filter(([key]) => key !== "$schema" && key !== "$defs")
        .map(([key, value]) => [key, this.#keyword(key, value, prefix)]),
    );
    if (!takesNoText(moved)) return moved;
    const { description, default: initial, ...value } = moved;
    return {
      ...(description === undefined ? {} : { description }),
      ...(initial === undefined ? {} : { default: initial }),
      anyOf: [value, { $ref: "#/$defs/placeholder" }],
    } as FieldSchema;
  }

  #keyword(key: string, value: unknown, prefix: string): unknown {
    if (key === "$ref") return String(value).replace("#/$defs/", `#/$defs/${prefix}`);
    if (key === "properties" && isObject(value)) {
      return Object.fromEntries(
        Object.entries(value).map(([name, child]) => [name, this.#rewritten(child as FieldSchema, prefix)]),
      );
    }
    if (["anyOf", "oneOf", "allOf", "prefixItems"].includes(key) && Array.isArray(value)) {
      return value.map((child) => this.#rewritten(child as FieldSchema, prefix));
    }
    const isSchema = (key === "items" || key === "additionalProperties") && isObject(value);
    return isSchema ? this.#rewritten(value as FieldSchema, prefix) : value;
  }
}

/** Whether a placeholder would be refused although the value that it stands for may be right. */
function takesNoText(schema: FieldSchema): boolean {
  if (schema.type === "integer" || schema.type === "number" || schema.type === "boolean") return true;
  return schema.enum !== undefined || (schema.type === "string" && schema["pattern"] !== undefined);
}

function namedInputs(inputs: Readonly<Record<string, string>>, optional: readonly string[]): FieldSchema {
  const read: FieldSchema = { anyOf: [{ type: "string" }, { type: "array", items: { type: "string" }, minItems: 1 }] };
  return {
    type: "object",
    properties: Object.fromEntries(
      Object.entries(inputs).map(([name, description]) => [name, { description, ...read }]),
    ),
    required: Object.keys(inputs).filter((name) => !optional.includes(name)),
    additionalProperties: false,
  };
}

function without(properties: Record<string, FieldSchema> | undefined, name: string): Record<string, FieldSchema> {
  return Object.fromEntries(Object.entries(properties ?? {}).filter(([key]) => key !== name));
}
