import { join } from "node:path";
import { createDurably, makeDirectory, namesIn, remove, textOf } from "@sferic/operator/durable-files";
import { packFolder, packPath, type RecordKind, recordPath } from "./layout.ts";
import { RecordChain } from "./chain.ts";
import { type Committed, decodeRecord, type Intent, TornRecord } from "./records.ts";

/** The intents and commits of epochs `first` to `last`, both included, in one file. */
export interface Pack {
  readonly first: number;
  readonly last: number;
  readonly path: string;
}

/** One epoch of a pack. */
export interface PackedEpoch {
  readonly intent: Intent;
  readonly committed: Committed;
}

/** Epochs in a pack. A folder of records has up to twice as many, however long a pipeline runs. */
export const packedEpochs = 100;

/** The packs of a checkpoint, oldest first. Other names in the folder are no packs. */
export async function packsOf(directory: string): Promise<Pack[]> {
  const names = await namesIn(packFolder(directory));
  return names.flatMap((name) => {
    const found = /^(\d{10})-(\d{10})\.jsonl$/.exec(name);
    return found === null
      ? []
      : [{ first: Number(found[1]), last: Number(found[2]), path: join(packFolder(directory), name) }];
  });
}

/** First epoch between or before the packs that none of them holds, or else the first one after them. */
export function packedEnd(packs: readonly Pack[]): { readonly end: number; readonly isWhole: boolean } {
  let end = 0;
  for (const { first, last } of packs) {
    if (first !== end) return { end, isWhole: false };
    end = last + 1;
  }
  return { end, isWhole: true };
}

/** The epochs of a pack, each record checked and held against the one before it in the chain. Throws {@link TornRecord}. */
export async function readPack({ first, last, path }: Pack, chain: RecordChain): Promise<PackedEpoch[]> {
  const lines = ((await textOf(path)) ?? "").split(/(?<=\n)/);
  if (lines.length !== 2 * (last - first + 1)) throw new TornRecord("The pack does not hold the epochs of its name.");
  const epochs: PackedEpoch[] = [];
  for (let epoch = first; epoch <= last; epoch++) {
    const [intent, committed] = lines.slice(2 * (epoch - first)) as [string, string];
    const taken = chain.next(intent, "intent", epoch).record;
    epochs.push({ intent: taken, committed: chain.next(committed, "committed", epoch).record });
  }
  return epochs;
}

/**
 * Puts the records of epochs `first` to `last`, all committed, into one file; on disk when this resolves. What the sinks
 * had staged for them is left out: it is published. Throws {@link TornRecord} when one is not what was written.
 */
export async function pack(directory: string, first: number, last: number): Promise<void> {
  const epochs = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  const kinds: readonly RecordKind[] = ["intent", "committed"];
  const paths = epochs.flatMap((epoch) => kinds.map((kind) => recordPath(directory, kind, epoch)));
  const lines = await Promise.all(
    paths.map(async (path) => {
      const text = (await textOf(path)) ?? "";
      decodeRecord(text);
      return text;
    }),
  );
  await makeDirectory(packFolder(directory));
  await createDurably(packPath(directory, first, last), lines.join(""));
  await removeRecords(directory, epochs);
}

/** Removes records that are in a pack. */
export async function removeRecords(directory: string, epochs: readonly number[]): Promise<void> {
  const kinds: readonly RecordKind[] = ["committed", "prepared", "intent"];
  await Promise.all(epochs.flatMap((epoch) => kinds.map((kind) => remove(recordPath(directory, kind, epoch)))));
}
