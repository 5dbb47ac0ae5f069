import { join } from "node:path";
import { namesIn } from "@sferic/operator/durable-files";
import { folders, type RecordKind, recordedEpochs } from "./layout.ts";

/** Epochs that have a record of each kind, smallest first. */
export type Present = Readonly<Record<RecordKind, readonly number[]>>;

/** Epochs that have records. Commits are looked at first, see {@link withoutLater}. */
export async function recordedKinds(directory: string): Promise<Present> {
  const committed = await recordedEpochs(directory, "committed");
  const prepared = await recordedEpochs(directory, "prepared");
  const intent = await recordedEpochs(directory, "intent");
  return { intent, prepared, committed };
}

/**
 * Leaves out what a run that lives has written since its commits were looked at: all that is later than the epoch after
 * the newest of them. Otherwise such epochs would seem to lack their commits.
 */
export function withoutLater({ intent, prepared, committed }: Present): Present {
  const inWork = (committed.at(-1) ?? -1) + 1;
  const seen = (epoch: number): boolean => epoch <= inWork;
  return { intent: intent.filter(seen), prepared: prepared.filter(seen), committed };
}

/** Leaves out what is in a pack: a run that was killed while it packed has not removed all of it. */
export function withoutPacked(present: Present, end: number): Present {
  const unpacked = (epoch: number): boolean => epoch >= end;
  const { intent, prepared, committed } = present;
  return {
    intent: intent.filter(unpacked),
    prepared: prepared.filter(unpacked),
    committed: committed.filter(unpacked),
  };
}

/** Torn records that earlier runs have set aside. */
export async function setAsideRecords(directory: string): Promise<string[]> {
  const lists = Object.values(folders).map(async (name) => {
    const folder = join(directory, name);
    return (await namesIn(folder)).filter((file) => file.endsWith(".torn")).map((file) => join(folder, file));
  });
  return (await Promise.all(lists)).flat();
}
