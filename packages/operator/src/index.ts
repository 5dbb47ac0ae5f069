/** The contract between operators and the engine. Start with operator.ts. */
export * from "./batch.ts";
export * from "./column-type.ts";
export * from "./duration.ts";
export * from "./epoch.ts";
export * from "./errors.ts";
export * from "./nearest.ts";
export * from "./operator.ts";
export * from "./pointer.ts";
export * from "./registry.ts";
export * from "./run-on-tables.ts";
export * from "./schema.ts";
export * from "./rows.ts";
export * from "./temp-directory.ts";
