import { z } from "zod";
import type { BatchFactory } from "./batch.ts";
import { OperatorError } from "./errors.ts";
import { nearest } from "./nearest.ts";
import type { Definition, OperatorKind } from "./operator.ts";

/** An operator that is loaded when first asked for. */
export interface RegistryEntry {
  readonly kind: OperatorKind;
  readonly type: string;
  load(): Promise<Definition>;
}

/** The operators a run can use. The engine knows operators only through this. */
export interface Registry {
  readonly batches: BatchFactory;
  /** Types of a kind, sorted. */
  types(kind: OperatorKind): string[];
  /** Loads an operator; undefined when the registry has none of that name. */
  find<K extends OperatorKind>(kind: K, type: string): Promise<Extract<Definition, { kind: K }> | undefined>;
}

/**
 * A registry over lazily loaded built-ins and over definitions at hand; a later entry with the same kind and type is
 * refused with `operator-conflict`.
 */
export function createRegistry(
  batches: BatchFactory,
  entries: readonly RegistryEntry[],
  definitions: readonly Definition[] = [],
): Registry {
  const all = new Map<string, RegistryEntry>();
  const own = definitions.map((definition) => ({
    kind: definition.kind,
    type: definition.type,
    load: () => Promise.resolve(definition),
  }));
  for (const entry of [...entries, ...own]) {
    const key = `${entry.kind} ${entry.type}`;
    if (all.has(key)) {
      throw new OperatorError({ code: "operator-conflict", message: `There are two operators for the ${key}.` });
    }
    all.set(key, entry);
  }
  return {
    batches,
    types: (kind) =>
      [...all.values()]
        .filter((entry) => entry.kind === kind)
        .map((entry) => entry.type)
        .toSorted(),
    find: async (kind, type) => (await all.get(`${kind} ${type}`)?.load()) as never,
  };
}

/** The operator, or an `unknown-operator` error that names the nearest one. */
export async function requireOperator<K extends OperatorKind>(
  registry: Registry,
  kind: K,
  type: string,
): Promise<Extract<Definition, { kind: K }>> {
  const found = await registry.find(kind, type);
  if (found !== undefined) return found;
  const types = registry.types(kind);
  const near = nearest(type, types);
  throw new OperatorError({
    code: "unknown-operator",
    message: `There is no ${kind} "${type}"${near === undefined ? `; there are ${types.join(", ")}` : `; did you mean "${near}"?`}`,
  });
}

/** Schema of a configuration field that names a format: an object whose `type` says which, the rest is the format's own. */
export const formatField = z
  .looseObject({ type: z.string().describe("Name of the format.") })
  .meta({ operatorKind: "format" });

/** Schema of a field of a connection for a secret: where it is, never what it is. */
export const secretField = z
  .union([
    z.strictObject({ env: z.string().min(1).describe("Environment variable that holds it.") }),
    z.strictObject({ file: z.string().min(1).describe("File that holds it; relative to the spec.") }),
  ])
  .meta({ writeOnly: true });

/** Schema of a configuration field for a duration with its unit, such as `"30 seconds"` or `"5 minutes"`. */
export const durationField = z
  .string()
  .regex(/^\d+(\.\d+)? ?(ms|milliseconds?|s|seconds?|min|minutes?|h|hours?|d|days?)$/, {
    message: 'must be a number and a unit, such as "30 seconds"',
  });
