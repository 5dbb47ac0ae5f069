import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { type Batch, type FileContent, type InvalidInput, OperatorError, type Schema } from "@sferic/operator";
import { fromHandle, toSchema } from "./batch.ts";
import { cancellable } from "./cancel.ts";
import { unwrapped, unwrapping } from "./errors.ts";
import * as native from "./native.ts";

/** Tables of a GLM granule. */
export type GlmTable = "flashes" | "groups" | "events";

/** How a GLM granule is read. */
export interface GlmOptions {
  readonly table: GlmTable;
  /** `wrapped`: -180 to 180 degrees. `unwrapped`: within 180 degrees of the satellite, so that storms on the date line stay whole. */
  readonly longitude: "wrapped" | "unwrapped";
}

/** How any CF NetCDF file is read. */
export interface NetcdfOptions {
  /** The dimension whose variables become columns; absent: the only one that has several variables. */
  readonly dimension?: string;
  /** Variables to read; absent: all along the dimension. */
  readonly variables?: readonly string[];
  /** Scalar variables and global attributes to repeat in every row. */
  readonly constants?: readonly string[];
}

/** What several files gave: all rows of the good ones in file order, and why the others gave none. */
export interface Decoded {
  /** Several files' rows each, up to a few MiB; none when no file could be decoded. */
  readonly batches: readonly Batch[];
  readonly invalid: readonly InvalidInput["invalid"][];
}

/** Columns of a GLM table. */
export function glmSchema(table: GlmTable): Schema {
  return toSchema(unwrapping(() => native.glmSchema(table)));
}

/**
 * Decodes GLM granules in parallel, one file per core at a time. Files given by path are read in the core. Yields once,
 * or several times when the rows need more than about 128 MiB: each time what the next files gave.
 */
export function decodeGlm(
  files: readonly FileContent[],
  options: GlmOptions,
  signal?: AbortSignal,
): AsyncGenerator<Decoded> {
  return decodeAll(files, signal, (inputs, token) => native.decodeGlm(inputs, { ...options }, token));
}

/** One granule of the local file system. Throws `invalid-file` when it cannot be decoded. Close the batch after use. */
export async function readGlm(path: string, options: Partial<GlmOptions> = {}): Promise<Batch> {
  const file: FileContent = { name: basename(path), path, byteLength: 0, bytes: () => readFile(path) };
  const [decoded] = await Array.fromAsync(decodeGlm([file], { table: "flashes", longitude: "wrapped", ...options }));
  const batch = decoded!.batches[0];
  if (batch !== undefined) return batch;
  const { name, reason, position } = decoded!.invalid[0]!;
  throw new OperatorError({ code: "invalid-file", message: `${name}: ${reason}`, details: { path, position } });
}

/** Columns that {@link decodeNetcdf} gives for a file like this one. */
export async function netcdfSchema(file: FileContent, options: NetcdfOptions): Promise<Schema> {
  const input = await toInput(file);
  return toSchema(await unwrapped(native.netcdfSchema(input, toNativeOptions(options))));
}

/** Decodes CF NetCDF files as {@link decodeGlm} does; files whose columns differ from the first good one are invalid. */
export function decodeNetcdf(
  files: readonly FileContent[],
  options: NetcdfOptions,
  signal?: AbortSignal,
): AsyncGenerator<Decoded> {
  return decodeAll(files, signal, (inputs, token) => native.decodeNetcdf(inputs, toNativeOptions(options), token));
}

/** Calls the core with the files that are left until none is. */
async function* decodeAll(
  files: readonly FileContent[],
  signal: AbortSignal | undefined,
  decode: (inputs: native.NativeFile[], token: native.CancelToken) => Promise<native.NativeDecoded>,
): AsyncGenerator<Decoded> {
  let left = await Promise.all(files.map(toInput));
  while (left.length > 0) {
    const inputs = left;
    const decoded = await cancellable(signal, (token) => decode(inputs, token));
    left = left.slice(decoded.fileCount);
    yield toDecoded(decoded);
  }
}

async function toInput({ name, path, bytes }: FileContent): Promise<native.NativeFile> {
  return path === undefined ? { name, bytes: await bytes() } : { name, path };
}

function toNativeOptions({ dimension, variables, constants }: NetcdfOptions): native.NativeNetcdfOptions {
  return {
    constants: [...(constants ?? [])],
    ...(dimension === undefined ? {} : { dimension }),
    ...(variables === undefined ? {} : { variables: [...variables] }),
  };
}

function toDecoded({ batches, invalid }: native.NativeDecoded): Decoded {
  return {
    batches: batches.map(fromHandle),
    invalid: invalid.map(({ name, reason, position }) => ({ name, reason, position: position ?? null })),
  };
}
