import { join } from "node:path";
import { namesIn } from "@sferic/operator/durable-files";
import type { Committed, Intent, Prepared } from "./records.ts";

/** Which folder holds which record, in the order an epoch writes them. */
export const folders = { intent: "offsets", prepared: "prepared", committed: "commits" } as const;

export type RecordKind = keyof typeof folders;

export interface RecordTypes {
  intent: Intent;
  prepared: Prepared;
  committed: Committed;
}

/** File of one record. */
export function recordPath(directory: string, kind: RecordKind, epoch: number): string {
  return join(directory, folders[kind], `${String(epoch).padStart(10, "0")}.json`);
}

/** Folder of the packs that old records are put into. */
export function packFolder(directory: string): string {
  return join(directory, "packed");
}

/** File of one pack. */
export function packPath(directory: string, first: number, last: number): string {
  const [from, to] = [first, last].map((epoch) => String(epoch).padStart(10, "0"));
  return join(packFolder(directory), `${from}-${to}.jsonl`);
}

/** File that says whose the checkpoint is. */
export function identityPath(directory: string): string {
  return join(directory, "pipeline.json");
}

/** File that holds the columns which nothing declares. */
export function schemasPath(directory: string): string {
  return join(directory, "schemas.json");
}

/** Folder of a checkpoint's dead letters. */
export function deadLetterFolder(directory: string): string {
  return join(directory, "dead-letters");
}

/** Epochs that have a record of this kind, smallest first. Other names in the folder are no records. */
export async function recordedEpochs(directory: string, kind: RecordKind): Promise<number[]> {
  const names = await namesIn(join(directory, folders[kind]));
  return names.filter((name) => /^\d{10}\.json$/.test(name)).map((name) => Number.parseInt(name, 10));
}
