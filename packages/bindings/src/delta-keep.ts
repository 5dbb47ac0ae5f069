import type { Schema } from "@sferic/operator";
import { toSchema } from "./batch.ts";
import { cancellable } from "./cancel.ts";
import type { DeltaAt } from "./delta.ts";
import { unwrapped } from "./errors.ts";
import * as native from "./native.ts";

/** How files of a table are put together. */
export interface DeltaCompaction {
  /** Folder of the table, absolute. */
  readonly table: string;
  /** Size of a file that is large enough; half of it will do. */
  readonly targetBytes: number;
  /**
   * Whether only small files of which there are 16 of about one size are put together, so that a row is rewritten a few
   * times in all; instead of all small files, and those with deleted rows.
   */
  readonly tailOnly: boolean;
  readonly compression: string;
  /** Part of the names of the new files; nobody uses it twice. */
  readonly name: string;
}

/** What a compaction did. */
export interface DeltaCompacted {
  /** Of its commit; null when there was nothing to do. */
  readonly version: number | null;
  readonly removedFiles: number;
  readonly removedBytes: number;
  readonly addedFiles: number;
  readonly addedBytes: number;
}

/**
 * Puts small files together, in one commit that changes no rows; null where no table is. Who appends meanwhile is not
 * disturbed. Killed at any moment it leaves the table as it was, or done, and perhaps files for {@link vacuumDelta}.
 * Memory: 64 MiB of rows, and row groups of 32 MiB. Throws `table-changed` when another writer took files away meanwhile,
 * `table-busy`, `unsupported-table`, and for a file that cannot be read `invalid-table`.
 */
export async function compactDelta(compaction: DeltaCompaction, signal?: AbortSignal): Promise<DeltaCompacted | null> {
  const done = await cancellable(signal, (token) => native.compactDelta({ ...compaction }, token));
  return done && { ...done, version: done.version ?? null };
}

/** What is removed for good. */
export interface DeltaVacuum {
  readonly table: string;
  /** How long a removed file stays; the table's own time, or 7 days, when absent. */
  readonly retentionHours?: number;
  /** Whether that may be less than the table asks for. */
  readonly force: boolean;
  /** Whether nothing is removed. */
  readonly dryRun: boolean;
}

/** What was removed, or would be. */
export interface DeltaVacuumed {
  /** Paths, relative to the table. */
  readonly files: readonly string[];
  readonly bytes: number;
  /** Files that no version needs either, and that are too young. */
  readonly younger: number;
  readonly retentionHours: number;
}

/**
 * Removes files that the table needs no more: earlier versions can no longer be read then. Null where no table is. Throws
 * `retention-too-short` and `unsupported-table`.
 */
export async function vacuumDelta(vacuum: DeltaVacuum): Promise<DeltaVacuumed | null> {
  return unwrapped(native.vacuumDelta({ ...vacuum }));
}

/** One version of a table. What was done, and by whom, is as its writer says. */
export interface DeltaHistoryEntry {
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly timeMs: number;
  readonly operation: string | null;
  readonly engine: string | null;
  /** Files with new rows. */
  readonly added: number;
  /** Files that went with their rows. */
  readonly removed: number;
  /** Files that came or went without a change of rows. */
  readonly rearranged: number;
}

/** The newest versions, newest first, as far as the log goes back; null where no table is. */
export async function deltaHistory(table: string, limit: number): Promise<DeltaHistoryEntry[] | null> {
  const entries = await unwrapped(native.deltaHistory(table, limit));
  return (
    entries?.map((entry) => ({ ...entry, operation: entry.operation ?? null, engine: entry.engine ?? null })) ?? null
  );
}

/** What a version of a table is. */
export interface DeltaDetails {
  readonly version: number;
  readonly id: string;
  /** When it was committed, in milliseconds since 1970. */
  readonly timeMs: number;
  readonly schema: Schema;
  readonly partitionBy: readonly string[];
  readonly files: number;
  readonly bytes: number;
  /** Files that are kept for earlier versions. */
  readonly removedFiles: number;
  /** Version of the checkpoint from which the log is read; null when there is none. */
  readonly checkpoint: number | null;
  /** Its properties, and its features as `delta.feature.<name>`. */
  readonly properties: Readonly<Record<string, string>>;
}

/** What a version of a table is; null where no table is. Throws `no-version`. */
export async function deltaDetails(table: string, at: DeltaAt = {}): Promise<DeltaDetails | null> {
  const found = await unwrapped(native.deltaDetails(table, { ...at }));
  if (found === null) return null;
  const { columns, properties, checkpoint, ...rest } = found;
  const named = Object.fromEntries(properties.map(({ name, value }) => [name, value]));
  return { ...rest, checkpoint: checkpoint ?? null, schema: toSchema(columns), properties: named };
}
