import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import type { Answer, CaseSpec } from "./cases.ts";

/** Values of a row by column. */
export type Cells = Readonly<Record<string, unknown>>;

/** The rows in the files of every sink below `folder`, as sorted texts that {@link rowTexts} gives for the right answer too. */
export async function writtenRows(folder: string, { sinks }: CaseSpec): Promise<Record<string, string[]>> {
  const read = Object.entries(sinks).map(async ([id, { url, format }]) => {
    const rows = (await Promise.all((await filesOf(join(folder, url))).map(rowsOf))).flat();
    return [id, rows.map((row) => rowText(row, format.type)).toSorted()] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}

/** An answer in the form of {@link writtenRows}. */
export function rowTexts(answer: Answer, { sinks }: CaseSpec): Record<string, string[]> {
  const texts = Object.entries(sinks).map(([id, { format }]) => [
    id,
    (answer[id] ?? []).map((row) => rowText(row, format.type)).toSorted(),
  ]);
  return Object.fromEntries(texts) as Record<string, string[]>;
}

/** What lies in the sinks' folders and is no visible part or token: left by an unfinished or untidy run. */
export async function strayFiles(folder: string): Promise<string[]> {
  const found = await readdir(join(folder, "out"), { recursive: true, withFileTypes: true }).catch(() => []);
  const stray = found.filter((entry) =>
    (entry.isDirectory() ? /^[._]/ : /^(?!part-|\.sferic-token\.)/).test(entry.name),
  );
  return stray.map(({ parentPath, name }) => join(parentPath, name));
}

/** Paths of the visible files of a sink: the file itself, or the parts below its folder, also below `column=value`. */
export async function filesOf(path: string): Promise<string[]> {
  const about = await stat(path).catch(() => undefined);
  if (about?.isFile() === true) return [path];
  const names = about === undefined ? [] : await readdir(path, { recursive: true });
  return names.filter((name) => /^([^/]+=[^/]*\/)*part-[^/]+$/.test(name)).map((name) => join(path, name));
}

/** The rows of a file, with the columns that its folders give; an integer that a double cannot hold is a bigint. */
export async function rowsOf(path: string): Promise<Cells[]> {
  const pairs = [...dirname(path).matchAll(/(?<=\/)([^/=]+)=([^/]*)/g)];
  const given = pairs.map(([, name, value]) => [name, value === nullName ? null : decodeURIComponent(value!)]);
  return (await rowsIn(path)).map((row) => ({ ...row, ...Object.fromEntries(given) }));
}

/** How Hive writes the value of a partition whose column is null. */
const nullName = "__HIVE_DEFAULT_PARTITION__";

async function rowsIn(path: string): Promise<Cells[]> {
  if (path.endsWith(".parquet")) return parquetReadObjects({ file: await asyncBufferFromFile(path), compressors });
  const bytes = await readFile(path);
  const unpacked = path.endsWith(".gz") ? gunzipSync(bytes) : path.endsWith(".zst") ? zstdDecompressSync(bytes) : bytes;
  const text = unpacked.toString("utf8");
  if (path.includes(".csv")) return csvRows(text);
  if (text.trimStart().startsWith("[")) return exactJson(text) as Cells[];
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => exactJson(line) as Cells);
}

/** Parses JSON; an integer that a double cannot hold becomes a bigint. */
export function exactJson(text: string): unknown {
  return JSON.parse(text, (_, value: unknown, { source }: { source?: string } = {}) =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(source!) ? BigInt(source!) : value,
  );
}

/** Rows of RFC 4180 text with a header; a field without quotes that is empty is null. */
function csvRows(text: string): Cells[] {
  const fields = [...text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n)/g)];
  const rows: (string | null)[][] = [[]];
  for (const [, quoted, plain, end] of fields) {
    rows.at(-1)!.push(quoted?.replaceAll('""', '"') ?? (plain === "" ? null : plain!));
    if (end !== ",") rows.push([]);
  }
  const [names, ...values] = rows.slice(0, -1);
  return values.map((cells) => Object.fromEntries(cells.map((cell, index) => [names![index]!, cell])));
}

/** A row with everything in it that engines may write differently made equal; CSV has no types to tell apart. */
function rowText(row: Cells, format: string): string {
  const cells = Object.entries(row).map(([name, cell]) => [name, plainCell(cell, format === "csv")]);
  return JSON.stringify(cells);
}

function plainCell(cell: unknown, untyped: boolean): unknown {
  if (cell === null || cell === undefined) return null;
  if (typeof cell === "boolean") return Number(cell);
  if (typeof cell === "bigint") return Number(cell);
  if (typeof cell === "number") return Number.isFinite(cell) ? rounded(cell) : String(cell);
  if (cell instanceof Date) return cell.toISOString().replace(".000Z", "Z");
  if (typeof cell === "object") return JSON.stringify(cell);
  if (untyped && (cell === "true" || cell === "false")) return Number(cell === "true");
  return untyped && cell !== "" && Number.isFinite(Number(cell)) ? rounded(Number(cell)) : cell;
}

/** Twelve digits: engines add floats in different orders. */
function rounded(value: number): number {
  return Number(value.toPrecision(12)) + 0;
}
