import type { TextCompression } from "@sferic/bindings/formats";
import { z } from "zod";

/** The `compression` field of formats that are text. */
export const compressionField = z
  .enum(["none", "gzip", "zstd"])
  .default("none")
  .describe("How files are compressed when writing; when reading, their first bytes tell.");

const endings = { none: "", gzip: ".gz", zstd: ".zst" } as const;

/** The file name ending of a format, compressed: `csv.gz`. */
export function compressedEnding(ending: string, compression: TextCompression): string {
  return ending + endings[compression];
}
