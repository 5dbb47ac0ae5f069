import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { DeltaStream, openDelta } from "@sferic/bindings/delta";
import { checksumFile } from "@sferic/bindings/formats";
import { queryDatabase } from "@sferic/bindings/relational";
import { readDeadLetters } from "@sferic/engine";
import { type FileContent, OperatorError, type Registry, requireOperator, rowsOf, Schema } from "@sferic/operator";
import { checkpointName, type IsolatedSink, type SinkOutput } from "./isolated-spec.ts";

/** Rows as texts, each with how often it is there. */
export type Multiset = ReadonlyMap<string, number>;

/** What a reader who knows nothing of Sferic finds in an output. */
export interface Visible {
  /** The same for outputs of which every file is the same, byte by byte; null where files may differ though rows do not. */
  readonly digest: string | null;
  /** The rows; read when called, all of them in memory. */
  rows(): Promise<Multiset>;
}

/** Key of the dead letters among the outputs. */
export const deadLettersKey = "dead letters";

/** The outputs below the folder of an isolated spec, by sink; the dead letters of its checkpoint are one more. */
export async function visibleOutputs(
  folder: string,
  sinks: readonly IsolatedSink[],
  registry: Registry,
): Promise<ReadonlyMap<string, Visible>> {
  const outputs = new Map<string, Visible>();
  for (const { id, output } of sinks) if (output !== null) outputs.set(id, await visibleIn(folder, output, registry));
  outputs.set(deadLettersKey, { digest: null, rows: () => deadLetters(join(folder, checkpointName)) });
  return outputs;
}

async function visibleIn(folder: string, output: SinkOutput, registry: Registry): Promise<Visible> {
  if (output.kind === "table") {
    return { digest: null, rows: () => tableRows(join(folder, output.database), output.table) };
  }
  if (output.kind === "delta") return { digest: null, rows: () => deltaRows(join(folder, output.folder)) };
  const paths = await partsIn(join(folder, output.folder));
  const sums = await Promise.all(paths.map(async ([name, path]) => `${name} ${(await checksumFile(path)).checksum}`));
  return { digest: sums.join("\n"), rows: () => partRows(paths, output, registry) };
}

/** Files that are no leftovers, also in folders named `column=value`, with their paths from the folder, sorted. */
async function partsIn(folder: string): Promise<[name: string, path: string][]> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true }).catch(absentAsEmpty);
  return names
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)))
    .filter((name) => !/(^|\/)\./.test(name))
    .toSorted()
    .map((name) => [name, join(folder, name)]);
}

async function partRows(
  paths: readonly [string, string][],
  { format: { type, ...config }, schema }: Extract<SinkOutput, { kind: "parts" }>,
  registry: Registry,
): Promise<Multiset> {
  const definition = await requireOperator(registry, "format", type);
  const format = definition.create(definition.config.parse(config));
  const rows = new Map<string, number>();
  for (const [folder, own] of Map.groupBy(paths, ([name]) => dirname(name))) {
    const files = await Promise.all(own.map(([name, path]) => contentOf(name, path)));
    const given = new Set(folder.split("/").map((part) => decodeURIComponent(part.split("=")[0]!)));
    // What a column of text looks like may differ from part to part, so it is better known than guessed.
    const columns = schema?.columns.filter(({ name }) => !given.has(name));
    const request = { conditions: [], ...(columns === undefined ? {} : { schema: new Schema(columns) }) };
    for await (const piece of format.decode!(files, new AbortController().signal, request)) {
      if ("invalid" in piece) throw unreadable(piece.invalid.name, piece.invalid.reason);
      for (const row of rowsOf(piece)) count(rows, JSON.stringify(folder === "." ? row : [folder, row]));
      piece.close();
    }
  }
  return rows;
}

async function contentOf(name: string, path: string): Promise<FileContent> {
  return { name, path, byteLength: (await stat(path)).size, bytes: () => readFile(path) };
}

async function tableRows(database: string, table: string): Promise<Multiset> {
  const rows = new Map<string, number>();
  if ((await stat(database).catch(() => null)) === null) return rows;
  const [name, schema = "main"] = table.split(".").toReversed();
  const found = await queryDatabase(
    database,
    `SELECT 1 FROM duckdb_tables() WHERE table_name = '${name}' AND schema_name = '${schema}'`,
  );
  const isThere = found.rowCount > 0;
  found.close();
  if (!isThere) return rows;
  const batch = await queryDatabase(database, `SELECT * FROM ${table}`);
  for (const row of rowsOf(batch)) count(rows, JSON.stringify(row));
  batch.close();
  return rows;
}

async function deltaRows(table: string): Promise<Multiset> {
  const rows = new Map<string, number>();
  const newest = await openDelta(table);
  if (newest === null) return rows;
  using stream = new DeltaStream(table, false);
  const { version } = newest;
  for await (const piece of stream.read({ whole: version }, null, { version }, { conditions: [] })) {
    if ("bytesRead" in piece) continue;
    if ("invalid" in piece) throw unreadable(piece.invalid.name, piece.invalid.reason);
    for (const row of rowsOf(piece)) count(rows, JSON.stringify(row));
    piece.close();
  }
  return rows;
}

async function deadLetters(checkpoint: string): Promise<Multiset> {
  const rows = new Map<string, number>();
  for await (const { letters } of readDeadLetters(checkpoint)) {
    for (const letter of letters) count(rows, JSON.stringify(letter));
  }
  return rows;
}

function count(rows: Map<string, number>, row: string): void {
  rows.set(row, (rows.get(row) ?? 0) + 1);
}

function absentAsEmpty(thrown: unknown): never[] {
  if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return [];
  throw thrown;
}

function unreadable(name: string, reason: string): OperatorError {
  const message = `${name} is visible and cannot be read: ${reason}.`;
  return new OperatorError({ code: "output-unreadable", message });
}
