import { textOf } from "@sferic/operator/durable-files";
import { recordedEpochs, recordPath } from "./layout.ts";
import type { PinnedSchemas } from "./pinned-schemas.ts";
import { decodeWhole, fingerprint, type Intent, type RecordOrigin, TornRecord } from "./records.ts";

/** What intents repeat of the two files of a checkpoint that change, so that an older copy of one is found. */
export interface Settings {
  /** How many times the checkpoint has got another spec. */
  readonly specs: number;
  /** Fingerprint of the pinned columns, by source. */
  readonly pinned: Readonly<Record<string, string>>;
}

/** The settings that stand in the two files. */
export function settingsOf(specs: number, schemas: PinnedSchemas): Settings {
  const pinned = Object.entries(schemas).map(([id, { columns }]) => [id, fingerprint(columns)] as const);
  return { specs, pinned: Object.fromEntries(pinned) };
}

/** The settings that the newest readable intent repeats; none where it does not. */
export async function newestSettings(directory: string): Promise<Settings> {
  for (const epoch of (await recordedEpochs(directory, "intent")).toReversed()) {
    const of = await originOf(recordPath(directory, "intent", epoch));
    if (of !== null) return { specs: of.specs ?? 0, pinned: of.pinned ?? {} };
  }
  return { specs: 0, pinned: {} };
}

async function originOf(path: string): Promise<RecordOrigin | null> {
  try {
    return decodeWhole<Intent>((await textOf(path)) ?? "").of;
  } catch (thrown) {
    if (thrown instanceof TornRecord) return null;
    throw thrown;
  }
}

/** What is wrong with the number of specs that the checkpoint says it has had; null for nothing. */
export function specsProblem(newest: Settings, found: number): string | null {
  return found < newest.specs ? "The file is an older copy: epochs were planned with a later spec." : null;
}

/** What is wrong with pinned columns; null for nothing. */
export function pinnedProblem(newest: Settings, found: Settings["pinned"]): string | null {
  const lost = Object.entries(newest.pinned).find(([id, columns]) => found[id] !== columns);
  if (lost === undefined) return null;
  return `The file does not have the columns with which epochs were read from the source "${lost[0]}".`;
}
