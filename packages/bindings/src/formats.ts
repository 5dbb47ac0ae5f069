import type { Batch, FileContent, FileSummary, FileWriter, Schema } from "@sferic/operator";
import { fromHandle, handleOf, toNativeColumns, toSchema } from "./batch.ts";
import { cancellable } from "./cancel.ts";
import { unwrapped } from "./errors.ts";
import * as native from "./native.ts";

/** How a Parquet file is written. */
export interface ParquetWriteOptions {
  readonly compression: "zstd" | "snappy" | "lz4" | "none";
  readonly rowGroupRows?: number;
}

/** How a CSV file is written. */
export interface CsvWriteOptions {
  readonly header: boolean;
  readonly delimiter: string;
  /** Text of a null. */
  readonly null: string;
}

/** Starts a Parquet file; what is at `path` is replaced. `finish` reads the footer back and syncs. */
export async function createParquet(path: string, schema: Schema, options: ParquetWriteOptions): Promise<FileWriter> {
  return toFileWriter(await unwrapped(native.createParquet(path, toNativeColumns(schema), { ...options })));
}

/** Starts a CSV file; what is at `path` is replaced. Times are written as RFC 3339 in UTC, text quoted by RFC 4180. */
export async function createCsv(path: string, schema: Schema, options: CsvWriteOptions): Promise<FileWriter> {
  return toFileWriter(await unwrapped(native.createCsv(path, toNativeColumns(schema), { ...options })));
}

function toFileWriter(writer: native.NativeFileWriter): FileWriter {
  return {
    write: (batch) => unwrapped(writer.write(handleOf(batch))),
    finish: () => unwrapped(writer.finish()),
    abort: () => writer.abort(),
  };
}

/** How a CSV file is read. */
export interface CsvReadOptions {
  readonly header: boolean;
  readonly delimiter: string;
  /** Columns; inferred from the first rows when absent. */
  readonly schema?: Schema;
}

/** Columns of a Parquet file, from its footer. */
export async function parquetSchema(file: FileContent): Promise<Schema> {
  const reader = await openParquet(file, []);
  return toSchema(reader.columns);
}

/** The rows of a Parquet file in batches of bounded size; only `columns` when given. */
export async function* readParquet(
  file: FileContent,
  columns?: readonly string[],
  signal?: AbortSignal,
): AsyncGenerator<Batch> {
  yield* drain(await openParquet(file, columns), signal);
}

/** Columns of a CSV file, inferred from its first rows. */
export async function csvSchema(file: FileContent, options: CsvReadOptions): Promise<Schema> {
  return toSchema((await openCsv(file, options)).columns);
}

/** The rows of a CSV file in batches of bounded size. Throws `invalid-file` with line and column of the first bad row. */
export async function* readCsv(
  file: FileContent,
  options: CsvReadOptions,
  signal?: AbortSignal,
): AsyncGenerator<Batch> {
  yield* drain(await openCsv(file, options), signal);
}

/** Size and checksum of a file, as its writer reported them. */
export async function checksumFile(path: string): Promise<Pick<FileSummary, "bytes" | "checksum">> {
  return unwrapped(native.checksumFile(path));
}

async function openParquet(file: FileContent, columns?: readonly string[]): Promise<native.NativeFileReader> {
  const options = columns === undefined || columns.length === 0 ? {} : { columns: [...columns] };
  return unwrapped(native.openParquet(await toInput(file), options));
}

async function openCsv(
  file: FileContent,
  { header, delimiter, schema }: CsvReadOptions,
): Promise<native.NativeFileReader> {
  const columns = schema === undefined ? {} : { columns: toNativeColumns(schema) };
  return unwrapped(native.openCsv(await toInput(file), { header, delimiter, ...columns }));
}

async function toInput({ name, path, bytes }: FileContent): Promise<native.NativeFile> {
  return path === undefined ? { name, bytes: await bytes() } : { name, path };
}

async function* drain(reader: native.NativeFileReader, signal?: AbortSignal): AsyncGenerator<Batch> {
  for (;;) {
    const batch = await cancellable(signal, () => reader.next());
    if (batch === null || batch === undefined) return;
    yield fromHandle(batch);
  }
}
