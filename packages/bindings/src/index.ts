/** Everything of the core at once; import `@sferic/bindings/<kernel>` to load less. Start with batch.ts. */
export * from "./batch.ts";
export * from "./cluster.ts";
export * from "./delta.ts";
export * from "./file-lock.ts";
export * from "./formats.ts";
export * from "./join-state.ts";
export * from "./kafka.ts";
export * from "./lookup.ts";
export * from "./netcdf.ts";
export * from "./query.ts";
export * from "./relational.ts";
export * from "./reshape.ts";
export * from "./windows.ts";
