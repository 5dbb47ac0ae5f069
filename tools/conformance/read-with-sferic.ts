import { copyFile, mkdir, readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { registry } from "@sferic/catalog";
import { runPipeline } from "@sferic/engine";
import type { Input } from "./inputs.ts";

/** What Sferic made of an input. */
export interface ReadInput {
  /** Parquet files with the rows; null when the input was refused as a whole. */
  readonly parts: readonly string[] | null;
  /** Rows, or files, that it reported as invalid. */
  readonly invalid: number;
  /** Why it was refused. */
  readonly error?: string;
}

const secondsMax = 60;

/** Reads an input by a pipeline of its own and writes the rows as Parquet below `scratch`, which holds one input at a time. */
export async function readWithSferic(input: Input, scratch: string): Promise<ReadInput> {
  const folder = join(scratch, "input");
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const out = join(folder, "out");
  const result = await runPipeline(
    {
      name: "conformance",
      sources: { input: await sourceOf(input, folder) },
      sinks: { rows: { type: "files", from: "input", url: `${out}/`, format: { type: "parquet" } } },
    },
    { registry, file: join(folder, "spec.json"), signal: AbortSignal.timeout(secondsMax * 1000) },
  );
  const { invalid } = result.rows;
  if (result.error !== undefined)
    return { parts: null, invalid, error: `${result.error.code}: ${result.error.message}` };
  const issue = result.issues[0] as { readonly code: string; readonly message: string } | undefined;
  if (result.state !== "succeeded") return { parts: null, invalid, error: issue?.message ?? result.state };
  const names = await readdir(out).catch(() => []);
  const parts = names.filter((name) => name.endsWith(".parquet")).map((name) => join(out, name));
  if (parts.length === 0 && invalid > 0) return { parts: null, invalid, error: "reported as invalid" };
  return { parts, invalid };
}

/** The source of an input. A file is copied to a plain name, in which nothing is a pattern. */
async function sourceOf({ format, path, dimension }: Input, folder: string): Promise<Record<string, unknown>> {
  if (format === "delta") return { type: "delta", url: path };
  const url = join(folder, `input${/(\.[a-z0-9]+)+$/i.exec(basename(path))![0]}`);
  await copyFile(path, url);
  return { type: "files", url, format: { type: format, ...formatFields({ format, path, dimension }) } };
}

function formatFields({
  format,
  path,
  dimension,
}: Pick<Input, "format" | "path"> & { dimension: string | undefined }): object {
  if (format === "netcdf") return dimension === undefined ? {} : { dimension };
  if (format === "csv") return { ...compression(path), ...(/\.tsv/i.test(path) ? { delimiter: "\t" } : {}) };
  return format === "json" ? compression(path) : {};
}

function compression(path: string): { compression?: string } {
  return path.endsWith(".gz") ? { compression: "gzip" } : path.endsWith(".zst") ? { compression: "zstd" } : {};
}
