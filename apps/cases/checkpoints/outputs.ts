import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DeltaStream, openDelta } from "@sferic/bindings/delta";
import { queryDatabase } from "@sferic/bindings/relational";
import { rowsOf } from "@sferic/operator";
import { parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { filesBelow } from "./archive.ts";

/** The rows of every output below a folder, as texts, sorted; the folder of a file of parts, or the file that grows, is the key. */
export type Outputs = Record<string, string[]>;

/** Reads everything below `out`, with other readers than those that wrote it. */
export async function outputsIn(folder: string): Promise<Outputs> {
  const out = join(folder, "out");
  const visible = (await filesBelow(out).catch(() => [])).filter((name) => !/(^|\/)\./.test(name));
  const outputs: Outputs = {};
  const add = (key: string, rows: readonly string[]): void => void (outputs[key] ??= []).push(...rows);
  for (const table of new Set(visible.flatMap((name) => /^[^/]+\.delta/.exec(name) ?? []))) {
    add(table, await deltaRows(join(out, table)));
  }
  for (const name of visible.filter((each) => !/^[^/]+\.delta\//.test(each))) {
    add(basename(name).startsWith("part-") ? dirname(name) : name, await rowsIn(join(out, name)));
  }
  for (const rows of Object.values(outputs)) rows.sort();
  return outputs;
}

async function rowsIn(path: string): Promise<string[]> {
  if (path.endsWith(".parquet")) {
    const { buffer, byteOffset, byteLength } = await readFile(path);
    const file = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
    return (await parquetReadObjects({ file, compressors })).map(textOf);
  }
  if (path.endsWith(".duckdb")) return tableRows(path);
  if (/\.(html|png|gif)$/.test(path)) return [await readFile(path, "base64")];
  const lines = (await readFile(path, "utf8")).split(/(?<=\n)/);
  return path.endsWith(".csv") ? lines.slice(1) : lines;
}

async function tableRows(path: string): Promise<string[]> {
  const batch = await queryDatabase(path, "SELECT * FROM t");
  const rows = [...rowsOf(batch)].map(textOf);
  batch.close();
  return rows;
}

async function deltaRows(table: string): Promise<string[]> {
  const newest = await openDelta(table);
  if (newest === null) return [];
  const rows: string[] = [];
  const { version } = newest;
  using stream = new DeltaStream(table, false);
  for await (const piece of stream.read({ whole: version }, null, { version }, { conditions: [] })) {
    if ("bytesRead" in piece) continue;
    if ("invalid" in piece) throw new Error(`${piece.invalid.name}: ${piece.invalid.reason}`);
    rows.push(...[...rowsOf(piece)].map(textOf));
    piece.close();
  }
  return rows;
}

function textOf(row: object): string {
  return JSON.stringify(row, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
}
