import { type Column, Schema } from "@sferic/operator";
import { replaceDurably, textOf } from "@sferic/operator/durable-files";
import { corrupt } from "./corrupt.ts";
import { schemasPath } from "./layout.ts";
import { decodeRecord, encodeRecord, TornRecord } from "./records.ts";

/** Columns per source that nothing declares, as they were found when the checkpoint began. */
export type PinnedSchemas = Readonly<Record<string, Schema>>;

/** The pinned columns as they stand in their file. */
export interface PinnedRecord {
  readonly sources: Readonly<Record<string, readonly Column[]>>;
}

/** The schemas of a record. Throws {@link TornRecord} for a record of another kind. */
export function schemasIn({ sources }: Partial<PinnedRecord>): PinnedSchemas {
  if (!isColumns(sources)) throw new TornRecord("The record holds no columns.");
  return Object.fromEntries(Object.entries(sources).map(([id, columns]) => [id, new Schema(columns)]));
}

/** Intents have sources too, which are ranges. */
function isColumns(sources: PinnedRecord["sources"] | undefined): sources is PinnedRecord["sources"] {
  return sources !== undefined && Object.values(sources).every((columns) => Array.isArray(columns));
}

/** The pinned columns; none where there is no checkpoint. Throws `checkpoint-corrupt`. */
export async function readPinnedSchemas(directory: string): Promise<PinnedSchemas> {
  const path = schemasPath(directory);
  const text = await textOf(path);
  if (text === null) return {};
  try {
    return schemasIn(decodeRecord<PinnedRecord>(text));
  } catch (thrown) {
    if (!(thrown instanceof TornRecord)) throw thrown;
    throw corrupt(path, thrown.message);
  }
}

/** Adds columns of sources that have none yet. On disk when this resolves. The caller holds the checkpoint's lock. */
export async function pinSchemas(directory: string, found: PinnedSchemas): Promise<void> {
  const pinned = await readPinnedSchemas(directory);
  const added = Object.keys(found).filter((id) => !Object.hasOwn(pinned, id));
  if (added.length === 0) return;
  const all = Object.entries({ ...found, ...pinned });
  const record: PinnedRecord = { sources: Object.fromEntries(all.map(([id, { columns }]) => [id, columns])) };
  await replaceDurably(schemasPath(directory), encodeRecord(record));
}
