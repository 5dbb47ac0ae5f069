/** Conformance suites, test data and surroundings for operators. Start with check.ts, then the suite of your kind. */
export * from "./check.ts";
export * from "./data-sets.ts";
export * from "./declaration-checks.ts";
export * from "./delta-table.ts";
export * from "./rows.ts";
export * from "./surroundings.ts";
export * from "./transform-checks.ts";
export * from "./typed-rows.ts";
export * from "./format-checks.ts";
export * from "./lines-format.ts";
export * from "./power-loss-disk.ts";
export * from "./sink-checks.ts";
export * from "./source-checks.ts";
export * from "./small-disk.ts";
export * from "./delta-readers.ts";
export * from "./duckdb-reader.ts";
export * from "./kafka-broker.ts";
