import type { ConnectionDeclaration, Definition, OperatorKind, Registry } from "@sferic/operator";
import { z } from "zod";

/** Kinds in the order of the reference. */
export const kinds: readonly OperatorKind[] = ["source", "format", "transform", "sink"];

/** The part of JSON Schema that a configuration turns into. */
export interface FieldSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | FieldSchema;
  readonly items?: FieldSchema;
  readonly anyOf?: readonly FieldSchema[];
  readonly oneOf?: readonly FieldSchema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minItems?: number;
}

/** One line of a configuration table. `path` is dotted for fields inside objects. */
export interface Field {
  readonly path: string;
  readonly required: boolean;
  readonly schema: FieldSchema;
}

/** All definitions of a registry, by kind and type. */
export async function definitions(registry: Registry): Promise<Definition[]> {
  const all = kinds.flatMap((kind) => registry.types(kind).map((type) => registry.find(kind, type)));
  return (await Promise.all(all)).filter((found) => found !== undefined);
}

/** The configuration that a definition accepts, field by field, depth first. */
export function fieldsOf({ config }: Pick<Definition, "config">): Field[] {
  const schema = z.toJSONSchema(config, { io: "input", unrepresentable: "any" }) as FieldSchema;
  return flatten(schema, "");
}

function flatten(schema: FieldSchema, prefix: string): Field[] {
  const variants = schema.oneOf ?? schema.anyOf ?? [];
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    return [{ path, required: schema.required?.includes(name) === true, schema: field }, ...flatten(field, `${path}.`)];
  });
  const inVariants = variants.flatMap((variant) => flatten(variant, prefix));
  const seen = new Set<string>();
  return [...own, ...inVariants].filter(({ path }) => !seen.has(path) && seen.add(path));
}

/** The reference page of one operator or format, as Markdown. */
export function page(definition: Definition): string {
  const sections = [
    `# ${definition.type}`,
    `${capital(definition.kind)}, ${definition.status}, since ${definition.since}.`,
    definition.summary,
    "## Fields",
    fieldTable(fieldsOf(definition)),
    ...connection(definition),
    ...ports(definition),
    ...delivery(definition),
    "## Errors",
    definition.errors.length === 0
      ? "Only the general ones."
      : definition.errors.map((code) => `- \`${code}\``).join("\n"),
    "## Examples",
    ...definition.examples.map((example) => exampleText(definition, example.title, example.config)),
  ];
  return `${generated}\n\n${sections.join("\n\n")}\n`;
}

/** The list of all operators with their summaries. */
export function index(all: readonly Definition[]): string {
  const sections = kinds.map((kind) => {
    const rows = all
      .filter((definition) => definition.kind === kind)
      .map((definition) => `| [${definition.type}](${fileName(definition)}) | ${cell(definition.summary)} |`);
    return [`## ${capital(kind)}s`, ["| type | does |", "|---|---|", ...rows].join("\n")].join("\n\n");
  });
  return `${generated}\n\n# Operators and formats\n\n${sections.join("\n\n")}\n`;
}

/** File name of a definition's page. Kinds share names (the `files` source and sink), so the kind is in it. */
export function fileName(definition: Definition): string {
  return `${definition.kind}-${definition.type}.md`;
}

const generated = "<!-- Generated from the declarations by `npm run docs`. -->";

function fieldTable(fields: readonly Field[]): string {
  if (fields.length === 0) return "None.";
  const rows = fields.map(({ path, required, schema }) => {
    const standard =
      schema.default === undefined ? (required ? "required" : "") : `\`${JSON.stringify(schema.default)}\``;
    return `| \`${path}\` | ${cell(typeText(schema))} | ${cell(standard)} | ${cell(schema.description ?? "")} |`;
  });
  return ["| field | type | default | meaning |", "|---|---|---|---|", ...rows].join("\n");
}

/** A JSON Schema in the words of a reader: `array of string`, `integer ≥ 1`, `"zstd" or "snappy"`. */
export function typeText(schema: FieldSchema): string {
  const variants = schema.oneOf ?? schema.anyOf;
  if (variants !== undefined) return [...new Set(variants.map(typeText))].join(" or ");
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(" or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === "array") return `array of ${schema.items === undefined ? "any" : typeText(schema.items)}`;
  if (schema.type === "object" && typeof schema.additionalProperties === "object") {
    const values = typeText(schema.additionalProperties);
    return values === "any" ? "object" : `object of ${values}`;
  }
  return `${schema.type ?? "any"}${range(schema)}`;
}

function range(schema: FieldSchema): string {
  const safe = (bound: number | undefined): bound is number =>
    bound !== undefined && Number.isFinite(bound) && Math.abs(bound) < Number.MAX_SAFE_INTEGER;
  const bounds = [
    safe(schema.minimum) ? `≥ ${schema.minimum}` : "",
    safe(schema.exclusiveMinimum) ? `> ${schema.exclusiveMinimum}` : "",
    safe(schema.maximum) ? `≤ ${schema.maximum}` : "",
    safe(schema.exclusiveMaximum) ? `< ${schema.exclusiveMaximum}` : "",
  ].filter((bound) => bound !== "");
  return bounds.length === 0 ? "" : ` ${bounds.join(", ")}`;
}

function connectionOf(definition: Definition): ConnectionDeclaration | undefined {
  return "connection" in definition ? definition.connection : undefined;
}

function connection(definition: Definition): string[] {
  const declared = connectionOf(definition);
  if (declared === undefined) return [];
  const text = `\`connection\` names one of the spec's \`connections\`, of the type \`${declared.type}\`, with these fields. A secret is \`{ "env": "NAME" }\` or \`{ "file": "path" }\`.`;
  return ["## Connection", text, fieldTable(fieldsOf(declared))];
}

function ports(definition: Definition): string[] {
  const declared = "inputs" in definition ? (definition.inputs ?? {}) : {};
  const inputs = declared === "any" ? { "…": "any number, as a list or by name" } : declared;
  const outputs = "ports" in definition ? (definition.ports ?? {}) : {};
  const list = (entries: Readonly<Record<string, string>>) =>
    Object.entries(entries)
      .map(([name, meaning]) => `- \`${name}\`: ${meaning}`)
      .join("\n");
  return [
    ...(Object.keys(inputs).length === 0 ? [] : ["## Inputs", list(inputs)]),
    ...(Object.keys(outputs).length === 0 ? [] : ["## Ports beside `main`", list(outputs)]),
  ];
}

function delivery(definition: Definition): string[] {
  if (definition.kind !== "sink") return [];
  const { guarantee, why } = definition.delivery;
  return ["## Delivery", `${capital(guarantee)} with a checkpoint: ${why}`];
}

function exampleText(definition: Definition, title: string, config: object): string {
  const from = definition.kind === "transform" || definition.kind === "sink" ? { from: "…" } : {};
  const place = connectionOf(definition) === undefined ? {} : { connection: "…" };
  // Not marked as JSON: an operator alone is no spec that could be run.
  return `${title}:\n\n\`\`\`\n${JSON.stringify({ type: definition.type, ...from, ...place, ...config }, null, 2)}\n\`\`\``;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
