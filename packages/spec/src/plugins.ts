import type { Definition, OperatorKind, Registry } from "@sferic/operator";
import type { Problem } from "./document.ts";
import { toPointer } from "./pointer.ts";

/** Loads the operators of one entry of `plugins`. Rejects with an error whose message says why it cannot. */
export type LoadPlugin = (name: string) => Promise<readonly Definition[]>;

/** The operators a spec may use once its plugins are loaded, and what is wrong with those. */
export interface PluginReading {
  readonly registry: Registry;
  readonly problems: Problem[];
}

/**
 * Adds the operators of a spec's `plugins` to a registry, which stays as it is. Without `load` nothing is loaded, and a
 * warning says so: loading one runs its code.
 */
export async function readPlugins(
  plugins: unknown,
  registry: Registry,
  load: LoadPlugin | undefined,
): Promise<PluginReading> {
  const names = Array.isArray(plugins) ? plugins.map((name: unknown) => (typeof name === "string" ? name : "")) : [];
  if (names.length === 0) return { registry, problems: [] };
  if (load === undefined) {
    const message = "plugins are not loaded here, so their operators are missing";
    return {
      registry,
      problems: [
        { code: "plugins-not-loaded", severity: "warning", message, pointer: toPointer(["plugins"]), keyRange: true },
      ],
    };
  }
  const added = new Map<string, Definition>();
  const problems: Problem[] = [];
  for (const [index, name] of names.entries()) {
    if (name === "") continue;
    const pointer = toPointer(["plugins", index]);
    try {
      for (const definition of await load(name)) problems.push(...addOperator(definition, added, registry, pointer));
    } catch (thrown) {
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      problems.push({
        code: "plugin-unavailable",
        message: `the plugin "${name}" cannot be loaded: ${reason}`,
        pointer,
      });
    }
  }
  return { registry: extended(registry, added), problems };
}

function addOperator(
  definition: Definition,
  added: Map<string, Definition>,
  registry: Registry,
  pointer: string,
): Problem[] {
  const { kind, type } = definition;
  const key = keyOf(kind, type);
  if (!added.has(key) && !registry.types(kind).includes(type)) {
    added.set(key, definition);
    return [];
  }
  const message = `the plugin brings a ${kind} "${type}", and there is one already; rename the plugin's`;
  return [{ code: "operator-conflict", message, pointer }];
}

function extended(registry: Registry, added: ReadonlyMap<string, Definition>): Registry {
  const own = (kind: OperatorKind): string[] =>
    [...added.values()].filter((definition) => definition.kind === kind).map(({ type }) => type);
  return {
    batches: registry.batches,
    types: (kind) => [...registry.types(kind), ...own(kind)].toSorted(),
    find: async (kind, type) => (added.get(keyOf(kind, type)) as never) ?? registry.find(kind, type),
  };
}

function keyOf(kind: OperatorKind, type: string): string {
  return `${kind} ${type}`;
}
