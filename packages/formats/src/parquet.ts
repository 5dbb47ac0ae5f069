import { createParquet, parquetSchema, readParquetFiles } from "@sferic/bindings/formats";
import { defineFormat } from "@sferic/operator";
import { z } from "zod";

const config = z.strictObject({
  compression: z.enum(["zstd", "snappy", "lz4", "none"]).default("zstd").describe("Codec of the pages when writing."),
  rowGroupRows: z.int().min(1).max(16_777_216).optional().describe("Rows per row group when writing."),
});

/** Apache Parquet. Times keep their nanoseconds, units of columns are kept in the file's Arrow schema. */
export const parquet = defineFormat({
  type: "parquet",
  since: "0.1.0",
  status: "stable",
  summary: "Apache Parquet, read and written.",
  config,
  errors: ["disk-full", "permission-denied"],
  examples: [{ title: "Small files that open fast everywhere", config: { compression: "snappy" } }],
  create: (c) => ({
    ending: "parquet",
    probe: (file) => parquetSchema(file),
    decode: (files, signal, request) => readParquetFiles(files, request, signal),
    readsManyFiles: true,
    createWriter: (path, schema) => createParquet(path, schema, c),
  }),
});
