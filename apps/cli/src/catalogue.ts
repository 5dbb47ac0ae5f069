import type { Definition, Example, OperatorKind, Registry } from "@sferic/operator";

/** One line of the catalogue. */
export interface CatalogueLine {
  readonly kind: OperatorKind;
  readonly type: string;
  readonly status: Definition["status"];
  readonly since: string;
  readonly summary: string;
}

/** Everything a declaration says, as data. */
export interface CatalogueEntry extends CatalogueLine {
  /** JSON Schema of the configuration. */
  readonly fields: JsonSchema;
  /** Input names with their meaning, or `any`; absent for one unnamed input. */
  readonly inputs?: Readonly<Record<string, string>> | "any";
  /** Ports beside `main` with their meaning. */
  readonly ports?: Readonly<Record<string, string>>;
  /** Transforms only. */
  readonly needs?: "batch" | "epoch";
  /** Sinks only. */
  readonly delivery?: { readonly guarantee: string; readonly why: string };
  readonly errors: readonly string[];
  readonly examples: readonly Example[];
}

/** The part of JSON Schema that configurations turn into. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly operatorKind?: string;
}

/** The definitions of some kinds, in the order of kinds, then by type. Loads them all. */
export async function definitionsOf(registry: Registry, kinds: readonly OperatorKind[]): Promise<Definition[]> {
  const all = kinds.flatMap((kind) => registry.types(kind).map((type) => registry.find(kind, type)));
  return (await Promise.all(all)).filter((definition) => definition !== undefined);
}

/** The line of a definition in the list. */
export function catalogueLine({ kind, type, status, since, summary }: Definition): CatalogueLine {
  return { kind, type, status, since, summary };
}

/** All that a definition declares. */
export function catalogueEntry(definition: Definition): CatalogueEntry {
  const { $schema, ...fields } = definition.config.toJSONSchema({ io: "input", unrepresentable: "any" });
  const { errors, examples } = definition;
  return {
    ...catalogueLine(definition),
    fields: fields as JsonSchema,
    ...("inputs" in definition && definition.inputs !== undefined ? { inputs: definition.inputs } : {}),
    ...portsOf(definition),
    ...(definition.kind === "transform" ? { needs: definition.needs } : {}),
    ...(definition.kind === "sink" ? { delivery: definition.delivery } : {}),
    errors,
    examples,
  };
}

function portsOf(definition: Definition): Pick<CatalogueEntry, "ports"> {
  if (definition.kind === "source")
    return { ports: { invalid: "Input that could not become rows: name, reason, position." } };
  return definition.kind === "transform" && definition.ports !== undefined ? { ports: definition.ports } : {};
}
