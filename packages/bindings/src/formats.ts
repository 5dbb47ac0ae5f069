import {
  type Batch,
  type DecodedMessages,
  type FileContent,
  type FileSummary,
  type FileWriter,
  type InvalidInput,
  type Messages,
  type ReadRequest,
  Schema,
} from "@sferic/operator";
import { fromHandle, handleOf, toNativeColumns, toSchema } from "./batch.ts";
import { cancellable } from "./cancel.ts";
import { unwrapped, unwrapping } from "./errors.ts";
import { messagesHandleOf, toDecodedMessages } from "./kafka.ts";
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
  /** Default: `none`. */
  readonly compression?: TextCompression;
}

/** How the characters of a text file are written when it is read; a byte order mark, where there is one, decides. */
export type TextEncoding = "utf-8" | "utf-16" | "latin-1";

/** How a text file is compressed when it is written: gzip at level 6, or zstd at level 3. */
export type TextCompression = "none" | "gzip" | "zstd";

/** How the rows of a JSON file follow each other: an object per line, or one array of objects. */
export type JsonLayout = "lines" | "array";

/** How a JSON file is written. */
export interface JsonWriteOptions {
  readonly layout: JsonLayout;
  /** Default: `none`. */
  readonly compression?: TextCompression;
}

/** Starts a Parquet file; what is at `path` is replaced. `finish` reads the footer back and syncs. */
export async function createParquet(path: string, schema: Schema, options: ParquetWriteOptions): Promise<FileWriter> {
  return toFileWriter(await unwrapped(native.createParquet(path, toNativeColumns(schema), { ...options })));
}

/** Starts a CSV file; what is at `path` is replaced. Times are written as RFC 3339 in UTC, text quoted by RFC 4180. */
export async function createCsv(path: string, schema: Schema, options: CsvWriteOptions): Promise<FileWriter> {
  return toFileWriter(
    await unwrapped(native.createCsv(path, toNativeColumns(schema), { compression: "none", ...options })),
  );
}

/**
 * Starts a JSON file; what is at `path` is replaced. Every column is a key of every row, times are RFC 3339 in UTC,
 * binary values base64; nulls, NaN and infinities are `null`.
 */
export async function createJson(path: string, schema: Schema, options: JsonWriteOptions): Promise<FileWriter> {
  return toFileWriter(
    await unwrapped(native.createJson(path, toNativeColumns(schema), { compression: "none", ...options })),
  );
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
  /** Default: `utf-8`. */
  readonly encoding?: TextEncoding;
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

/**
 * The rows of Parquet files in file order, decoded ahead of whoever takes them on every core, about 64 MiB of them. All
 * batches have the columns asked for, or those of the first readable file: columns are found by name, those that a
 * file has not are null, and types are converted where that loses nothing. Row groups whose statistics rule the
 * conditions out are not read. Small files share a batch; a file that cannot be decoded gives an invalid input alone.
 */
export function readParquetFiles(
  files: readonly FileContent[],
  request: ReadRequest = { conditions: [] },
  signal?: AbortSignal,
): AsyncGenerator<Batch | InvalidInput> {
  return readFiles(files, request, signal, (inputs, wanted) => native.readParquetFiles(inputs, wanted));
}

/**
 * As {@link readParquetFiles}, for CSV files with the columns of `options`, or of the request, or inferred. A row that does
 * not fit them is an invalid input with its line; where they are not those of `options`, so is one that inference would
 * not have taken for their types, such as a number with leading zeros.
 */
export function readCsvFiles(
  files: readonly FileContent[],
  { header, delimiter, encoding = "utf-8", schema }: CsvReadOptions,
  request: ReadRequest = { conditions: [] },
  signal?: AbortSignal,
): AsyncGenerator<Batch | InvalidInput> {
  const own = schema ?? ownColumns(files, request);
  const columns = own === undefined ? {} : { columns: toNativeColumns(own) };
  const options = { header, delimiter, encoding, isInferred: schema === undefined, ...columns };
  return readFiles(files, request, signal, (inputs, wanted) => native.readCsvFiles(inputs, options, wanted));
}

/** How a JSON file is read. */
export interface JsonReadOptions {
  readonly layout: JsonLayout;
  /** Default: `utf-8`. */
  readonly encoding?: TextEncoding;
  /** Columns, found by name; inferred from the first rows when absent. */
  readonly schema?: Schema;
}

/** Columns of a JSON file, inferred from its first rows. */
export async function jsonSchema(file: FileContent, { layout, encoding = "utf-8" }: JsonReadOptions): Promise<Schema> {
  return toSchema(await unwrapped(native.jsonSchema(await toInput(file), { layout, encoding })));
}

/**
 * As {@link readParquetFiles}, for JSON files: a large one is decoded in pieces beside each other. A row that cannot be
 * read is an invalid input with its line, or its byte in an array; a file whose outline is unsound is one, without rows.
 */
export function readJsonFiles(
  files: readonly FileContent[],
  { layout, encoding = "utf-8", schema }: JsonReadOptions,
  request: ReadRequest = { conditions: [] },
  signal?: AbortSignal,
): AsyncGenerator<Batch | InvalidInput> {
  const options = { layout, encoding, ...(schema === undefined ? {} : { columns: toNativeColumns(schema) }) };
  return readFiles(files, request, signal, (inputs, wanted) => native.readJsonFiles(inputs, options, wanted));
}

/**
 * Rows of messages that are a JSON object each, decoded on every core; line breaks in a message are blanks. A message that
 * cannot be read, or has no value, is invalid alone.
 */
export async function decodeJsonMessages(
  messages: Messages,
  schema: Schema,
  signal?: AbortSignal,
): Promise<DecodedMessages> {
  const [handle, columns] = [messagesHandleOf(messages), toNativeColumns(schema)];
  return toDecodedMessages(await cancellable(signal, (token) => native.decodeJsonMessages(handle, columns, token)));
}

/** A FlatBuffers schema with its root table, read and checked. */
export class FlatbuffersSchema {
  /** The columns of the rows: fields of tables and structs inside are named by their path, with `_` between. */
  readonly columns: Schema;
  readonly #handle: native.NativeFlatbuffersSchema;

  /**
   * Reads a schema by its path (`.fbs` with what it includes, or `.bfbs`) or from its text. `root` is the full name of a
   * table; the schema's own when absent. Throws `invalid-schema`, and what reading a file can.
   */
  constructor(source: { readonly path: string } | { readonly text: string }, root?: string) {
    this.#handle = unwrapping(() =>
      native.openFlatbuffersSchema({ ...source, ...(root === undefined ? {} : { root }) }),
    );
    this.columns = toSchema(this.#handle.columns);
  }

  /**
   * As {@link readParquetFiles}, for files of messages, each with its length before it: 4 bytes, little-endian. A message
   * that is not sound is an invalid input with its place and bytes; a file whose lengths do not lead to its end is one,
   * without rows.
   */
  read(
    files: readonly FileContent[],
    request: ReadRequest = { conditions: [] },
    signal?: AbortSignal,
  ): AsyncGenerator<Batch | InvalidInput> {
    return readFiles(files, request, signal, (inputs, wanted) =>
      native.readFlatbuffersFiles(inputs, this.#handle, wanted),
    );
  }

  /**
   * Rows of messages without lengths before them, decoded on every core. A message that is not sound, or has no value, is
   * invalid alone.
   */
  async decodeMessages(messages: Messages, signal?: AbortSignal): Promise<DecodedMessages> {
    const handle = messagesHandleOf(messages);
    const decode = (token: native.CancelToken): Promise<native.NativeDecodedMessages> =>
      native.decodeFlatbuffersMessages(handle, this.#handle, token);
    return toDecodedMessages(await cancellable(signal, decode));
  }

  /** Starts a file of messages, as {@link FlatbuffersSchema.read} takes it; what is at `path` is replaced. */
  async create(path: string, schema: Schema): Promise<FileWriter> {
    return toFileWriter(await unwrapped(native.createFlatbuffers(path, toNativeColumns(schema), this.#handle)));
  }
}

/** Columns of the request that are in the files, not in their places. */
function ownColumns([first]: readonly FileContent[], { schema }: ReadRequest): Schema | undefined {
  const constants = first?.constants ?? {};
  return schema && new Schema(schema.columns.filter(({ name }) => !Object.hasOwn(constants, name)));
}

/** Starts a reader for as many files as fit in memory, until all are read. */
export async function* readFiles(
  files: readonly FileContent[],
  request: ReadRequest,
  signal: AbortSignal | undefined,
  start: (inputs: native.NativeFile[], wanted: native.NativeReadRequest) => Promise<native.NativeFilesReader>,
): AsyncGenerator<Batch | InvalidInput> {
  let wanted = toNativeRequest(request);
  for (const portion of portions(files)) {
    const inputs = await Promise.all(portion.map(toInput));
    signal?.throwIfAborted();
    const reader = await unwrapped(start(inputs, wanted));
    const { columns } = reader;
    if (columns.length > 0) wanted = { ...wanted, schema: columns };
    try {
      yield* itemsOf(reader, signal);
    } finally {
      reader.close();
    }
  }
}

/** What a reader gives until its end; the caller closes it. */
export async function* itemsOf(
  reader: native.NativeFilesReader,
  signal: AbortSignal | undefined,
): AsyncGenerator<Batch | InvalidInput> {
  for (;;) {
    const item = await cancellable(signal, (token) => reader.next(token));
    if (item === null) return;
    if (item.batch) yield fromHandle(item.batch);
    else {
      const { name, reason, position, isPart } = item.invalid!;
      yield { invalid: { name, reason, position: position ?? null, ...(isPart ? { isPart } : {}) } };
    }
  }
}

/** A request as the core takes it. */
export function toNativeRequest({ schema, columns, conditions }: ReadRequest): native.NativeReadRequest {
  const isWanted = ({ name }: { name: string }): boolean => columns === undefined || columns.includes(name);
  return {
    conditions: conditions.map((condition) => ({ ...condition, values: [...condition.values] })),
    ...(schema === undefined ? {} : { schema: toNativeColumns(schema).filter(isWanted) }),
    ...(columns === undefined ? {} : { columns: [...columns] }),
  };
}

/** What files that come as bytes may hold together, in bytes. */
const bytesPerPortion = 64 * 1024 * 1024;

/** Files on disk are opened by the core, one after the other; those that come as bytes are all held at once. */
function* portions(files: readonly FileContent[]): Generator<FileContent[]> {
  let portion: FileContent[] = [];
  let bytes = 0;
  for (const file of files) {
    const size = file.path === undefined ? file.byteLength : 0;
    if (portion.length > 0 && bytes + size > bytesPerPortion) {
      yield portion;
      [portion, bytes] = [[], 0];
    }
    portion.push(file);
    bytes += size;
  }
  if (portion.length > 0) yield portion;
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
  { header, delimiter, encoding = "utf-8", schema }: CsvReadOptions,
): Promise<native.NativeFileReader> {
  const columns = schema === undefined ? {} : { columns: toNativeColumns(schema) };
  const options = { header, delimiter, encoding, isInferred: schema === undefined, ...columns };
  return unwrapped(native.openCsv(await toInput(file), options));
}

async function toInput({ name, path, bytes, constants = {} }: FileContent): Promise<native.NativeFile> {
  const place = Object.entries(constants).map(([column, value]) =>
    value === null ? { name: column } : { name: column, value },
  );
  const fixed = place.length === 0 ? {} : { constants: place };
  return path === undefined ? { name, bytes: await bytes(), ...fixed } : { name, path, ...fixed };
}

async function* drain(reader: native.NativeFileReader, signal?: AbortSignal): AsyncGenerator<Batch> {
  for (;;) {
    const batch = await cancellable(signal, () => reader.next());
    if (batch === null || batch === undefined) return;
    yield fromHandle(batch);
  }
}
