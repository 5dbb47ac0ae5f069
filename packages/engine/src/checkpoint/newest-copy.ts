import { rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createDurably, remove, syncDirectory, textOf } from "@sferic/operator/durable-files";
import { type RecordKind, recordPath } from "./layout.ts";
import { decodeWhole, type RecordOrigin, TornRecord } from "./records.ts";

/** File with a copy of the newest record. */
function copyPath(directory: string): string {
  return join(directory, "newest.json");
}

/**
 * Keeps a copy of a record that is on disk. It is not synced and may be missing or torn: it helps where the record itself is
 * lost later, and a run does not depend on it.
 */
export async function keepCopy(directory: string, text: string): Promise<void> {
  await writeFile(copyPath(directory), text).catch(() => {});
}

/**
 * Puts the newest record back from its copy when it is torn or missing and the record before it is there, so that an epoch
 * whose commit was lost after its staged files were removed stays committed. Resolves to the torn file, which gets another
 * name, or to nothing.
 */
export async function restoreNewest(directory: string, lineage: string, unpacked: number): Promise<string[]> {
  const text = await textOf(copyPath(directory));
  const of = text === null ? null : originIn(text);
  if (of === null || of.lineage !== lineage || of.epoch < unpacked) return [];
  const path = recordPath(directory, of.kind as RecordKind, of.epoch);
  const found = await textOf(path);
  if (found !== null && linkIn(found) !== null) return [];
  if (!(await isNext(directory, of))) return [];
  if (found !== null) await setRecordAside(path);
  await createDurably(path, text!);
  return found === null ? [] : [path];
}

/** Gives a record that is torn the name `*.torn`. */
export async function setRecordAside(path: string): Promise<void> {
  await remove(`${path}.torn`);
  await rename(path, `${path}.torn`);
  await syncDirectory(dirname(path));
}

/** Whether the record before is the one that a record follows. */
async function isNext(directory: string, { kind, epoch, before }: RecordOrigin): Promise<boolean> {
  if (before === null) return true;
  const last = { intent: "committed", prepared: "intent", committed: "prepared" } as const;
  const path = recordPath(directory, last[kind as RecordKind], kind === "intent" ? epoch - 1 : epoch);
  return linkIn((await textOf(path)) ?? "") === before;
}

function originIn(text: string): RecordOrigin | null {
  return decoded(text)?.of ?? null;
}

function linkIn(text: string): string | null {
  return decoded(text)?.link ?? null;
}

function decoded(text: string): ReturnType<typeof decodeWhole> | null {
  try {
    return decodeWhole(text);
  } catch (thrown) {
    if (thrown instanceof TornRecord) return null;
    throw thrown;
  }
}
