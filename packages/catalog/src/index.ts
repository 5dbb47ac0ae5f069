import { batches } from "@sferic/bindings/batch";
import { createRegistry, type Definition, type Registry, type RegistryEntry } from "@sferic/operator";

/** Every built-in operator; a module is loaded when its operator is first used. */
export const builtins: readonly RegistryEntry[] = [
  { kind: "format", type: "csv", load: async () => (await import("@sferic/formats/csv")).csv },
  { kind: "format", type: "flatbuffers", load: async () => (await import("@sferic/formats/flatbuffers")).flatbuffers },
  { kind: "format", type: "glm", load: async () => (await import("@sferic/formats/glm")).glm },
  { kind: "format", type: "json", load: async () => (await import("@sferic/formats/json")).json },
  { kind: "format", type: "netcdf", load: async () => (await import("@sferic/formats/netcdf")).netcdf },
  { kind: "format", type: "parquet", load: async () => (await import("@sferic/formats/parquet")).parquet },
  { kind: "source", type: "delta", load: async () => (await import("@sferic/sources/delta")).delta },
  { kind: "source", type: "duckdb", load: async () => (await import("@sferic/sources/duckdb")).duckdb },
  { kind: "source", type: "files", load: async () => (await import("@sferic/sources/files")).files },
  { kind: "source", type: "generate", load: async () => (await import("@sferic/sources/generate")).generate },
  { kind: "source", type: "kafka", load: async () => (await import("@sferic/sources/kafka")).kafka },
  { kind: "transform", type: "aggregate", load: async () => (await import("@sferic/transforms/aggregate")).aggregate },
  {
    kind: "transform",
    type: "deduplicate",
    load: async () => (await import("@sferic/transforms/deduplicate")).deduplicate,
  },
  { kind: "transform", type: "expect", load: async () => (await import("@sferic/transforms/expect")).expect },
  { kind: "transform", type: "filter", load: async () => (await import("@sferic/transforms/filter")).filter },
  { kind: "transform", type: "flatten", load: async () => (await import("@sferic/transforms/flatten")).flatten },
  { kind: "transform", type: "join", load: async () => (await import("@sferic/transforms/join")).join },
  { kind: "transform", type: "kmeans", load: async () => (await import("@sferic/transforms/kmeans")).kmeans },
  { kind: "transform", type: "select", load: async () => (await import("@sferic/transforms/select")).select },
  { kind: "transform", type: "select-k", load: async () => (await import("@sferic/transforms/select-k")).selectK },
  {
    kind: "transform",
    type: "silhouette",
    load: async () => (await import("@sferic/transforms/silhouette")).silhouette,
  },
  { kind: "transform", type: "sql", load: async () => (await import("@sferic/transforms/sql")).sql },
  {
    kind: "transform",
    type: "standardize",
    load: async () => (await import("@sferic/transforms/standardize")).standardize,
  },
  { kind: "transform", type: "union", load: async () => (await import("@sferic/transforms/union")).union },
  { kind: "transform", type: "unpivot", load: async () => (await import("@sferic/transforms/unpivot")).unpivot },
  { kind: "sink", type: "console", load: async () => (await import("@sferic/sinks/console")).console },
  { kind: "sink", type: "delta", load: async () => (await import("@sferic/sinks/delta")).delta },
  { kind: "sink", type: "duckdb", load: async () => (await import("@sferic/sinks/duckdb")).duckdb },
  { kind: "sink", type: "files", load: async () => (await import("@sferic/sinks/files")).files },
  { kind: "sink", type: "kafka", load: async () => (await import("@sferic/sinks/kafka")).kafka },
  { kind: "sink", type: "report", load: async () => (await import("@sferic/sinks/report")).report },
];

/** A registry of the built-ins and of operators of your own. */
export function registryWith(...own: readonly Definition[]): Registry {
  return createRegistry(batches, builtins, own);
}

/** A registry of the built-ins alone. */
export const registry: Registry = registryWith();
