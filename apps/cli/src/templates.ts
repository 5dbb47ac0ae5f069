import { existsSync } from "node:fs";
import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { OperatorKind, Registry } from "@sferic/operator";

/** A pipeline that `sferic init` writes, with a little input to run it on. */
export interface Template {
  readonly name: string;
  readonly summary: string;
  /** Whether its input are the granules of the repository, which are not copied into this package. */
  readonly onGranules: boolean;
}

/** The pipelines there are to begin with. Each is a folder of `templates`. */
export const templates: readonly Template[] = [
  {
    name: "lightning-stream",
    summary: "lightning granules to Parquet, CSV and DuckDB, each granule once",
    onGranules: true,
  },
  { name: "lightning-clusters", summary: "k-means, silhouette and elbow over flashes, and a report", onGranules: true },
  { name: "pv-facts", summary: "photovoltaic readings joined with their sensors into a fact table", onGranules: false },
  { name: "clicks", summary: "nested JSON flattened, and summed per minute", onGranules: false },
];

const folder = fileURLToPath(new URL("../templates/", import.meta.url));
const granules = fileURLToPath(new URL("../../cases/data/glm/", import.meta.url));

/** The text of a template's spec. */
export function specOf(name: string): Promise<string> {
  return readFile(join(folder, name, "pipeline.json"), "utf8");
}

/** The sample input of a template: bytes by path from the spec. None where the granules of a checkout are not there. */
export async function samplesOf({ name, onGranules }: Template): Promise<Map<string, Buffer>> {
  const [from, pattern, to] = onGranules ? [granules, "*.nc", "data/glm"] : [join(folder, name), "data/**/*.*", "."];
  if (!existsSync(from)) return new Map();
  const names = (await Array.fromAsync(glob(pattern, { cwd: from }))).toSorted();
  const samples = names.map(async (file) => [join(to, file), await readFile(join(from, file))] as const);
  return new Map(await Promise.all(samples));
}

/** Operators of a spec that the registry does not have, as `transform "join"`. */
export function missingOperators(spec: string, registry: Registry): string[] {
  const { sources, transforms = {}, sinks } = JSON.parse(spec) as Record<string, Record<string, Operator>>;
  const used = Object.entries({ source: sources, transform: transforms, sink: sinks }).flatMap(([kind, operators]) =>
    Object.values(operators ?? {}).flatMap(({ type, format }) => [
      { kind: kind as OperatorKind, type },
      ...(format === undefined ? [] : [{ kind: "format" as const, type: format.type }]),
    ]),
  );
  const missing = used.filter(({ kind, type }) => !registry.types(kind).includes(type));
  return [...new Set(missing.map(({ kind, type }) => `${kind} "${type}"`))];
}

interface Operator {
  readonly type: string;
  readonly format?: { readonly type: string };
}
