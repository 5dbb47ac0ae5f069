import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";

/** A file of a table, as its add action says. */
export interface AddedFile {
  readonly path: string;
  readonly size: number;
  readonly modificationTime: number;
  readonly dataChange: boolean;
  readonly partitionValues: Readonly<Record<string, string | null>>;
  /** JSON. */
  readonly stats: string;
}

interface Actions {
  readonly add?: AddedFile;
  readonly remove?: { readonly path: string };
  readonly txn?: { readonly appId: string; readonly version: number };
  readonly metaData?: { readonly schemaString: string; readonly partitionColumns: readonly string[] };
  readonly protocol?: { readonly minReaderVersion: number; readonly minWriterVersion: number };
  readonly commitInfo?: object;
}

/** A table as the protocol describes it, read from its log alone. */
export interface DeltaTable {
  readonly files: readonly AddedFile[];
  readonly columns: readonly { readonly name: string; readonly type: unknown; readonly nullable: boolean }[];
  readonly partitionColumns: readonly string[];
  /** Every transaction in the order of the commits. */
  readonly transactions: readonly { readonly appId: string; readonly version: number }[];
  readonly versionCount: number;
}

/**
 * Reads a log of JSON commits by the words of the protocol, and knows nothing of who wrote it; null where there is none.
 * Throws where a version is missing, a line holds more or less than one action that it knows, a file is added twice, or
 * one of the newest version is not there in the size that the log says.
 */
export async function readDeltaTable(folder: string): Promise<DeltaTable | null> {
  const log = join(folder, "_delta_log");
  const names = (await readdir(log).catch(() => [])).filter((name) => /^\d{20}\.json$/.test(name)).toSorted();
  if (names.length === 0) return null;
  const files = new Map<string, AddedFile>();
  const transactions: { appId: string; version: number }[] = [];
  let metadata: Actions["metaData"];
  let protocolCount = 0;
  for (const [version, name] of names.entries()) {
    if (Number.parseInt(name) !== version) throw new Error(`version ${version} is missing: ${name} comes next`);
    for (const action of actionsIn(await readFile(join(log, name), "utf8"))) {
      if (action.add !== undefined) add(files, action.add);
      if (action.remove !== undefined) files.delete(decodeURIComponent(action.remove.path));
      if (action.txn !== undefined) transactions.push({ appId: action.txn.appId, version: action.txn.version });
      metadata = action.metaData ?? metadata;
      if (action.protocol !== undefined) protocolCount += 1;
    }
  }
  if (metadata === undefined || protocolCount === 0) throw new Error("the log has no metadata or no protocol");
  for (const file of files.values()) await requireSize(folder, file);
  const { fields } = JSON.parse(metadata.schemaString) as { fields: DeltaTable["columns"] };
  const partitionColumns = metadata.partitionColumns;
  return { files: [...files.values()], columns: fields, partitionColumns, transactions, versionCount: names.length };
}

function actionsIn(commit: string): Actions[] {
  const known = new Set(["add", "remove", "txn", "metaData", "protocol", "commitInfo"]);
  return commit
    .trimEnd()
    .split("\n")
    .map((line) => {
      const action = JSON.parse(line) as Actions;
      const kinds = Object.keys(action);
      if (kinds.length !== 1 || !known.has(kinds[0]!)) throw new Error(`not one known action: ${line}`);
      return action;
    });
}

function add(files: Map<string, AddedFile>, file: AddedFile): void {
  const path = decodeURIComponent(file.path);
  if (files.has(path)) throw new Error(`${path} is added twice`);
  files.set(path, file);
}

async function requireSize(folder: string, file: AddedFile): Promise<void> {
  const path = decodeURIComponent(file.path);
  const { size } = await stat(join(folder, path));
  if (size !== file.size) throw new Error(`${path} has ${size} bytes, not ${file.size}`);
}

/**
 * The rows of a table, with its partition columns as the texts of the log; none where there is no table. `readParquet`
 * gives the rows of a file.
 */
export async function deltaRows(
  folder: string,
  readParquet: (path: string) => Promise<Record<string, unknown>[]>,
): Promise<Record<string, unknown>[]> {
  const table = await readDeltaTable(folder);
  const rows = (table?.files ?? []).map(async ({ path, partitionValues }) => {
    const found = await readParquet(join(folder, decodeURIComponent(path)));
    return found.map((row) => ({ ...row, ...partitionValues }));
  });
  return (await Promise.all(rows)).flat();
}
