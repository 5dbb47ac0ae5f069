import type { Offset } from "@sferic/operator";
import { textOf } from "@sferic/operator/durable-files";
import { decodeInPlace, MisplacedRecord, RecordChain } from "./chain.ts";
import { type CheckpointIdentity, identityIn } from "./identity.ts";
import {
  folders,
  identityPath,
  packFolder,
  type RecordKind,
  recordedEpochs,
  recordPath,
  type RecordTypes,
} from "./layout.ts";
import { packedEnd, packsOf, readPack } from "./packs.ts";
import { type DecodedRecord, type Prepared, TornRecord } from "./records.ts";
import { type StateProblem, stateProblem } from "./states.ts";

const kinds = Object.keys(folders) as RecordKind[];

/** A record that is in no pack. */
export interface Found {
  readonly kind: RecordKind;
  readonly epoch: number;
  /** Null for one that is not what was written there. */
  readonly decoded: DecodedRecord<RecordTypes[RecordKind]> | null;
  readonly why?: string;
}

/** What a checkpoint says, as far as it can be read. */
export interface Survey {
  readonly identity: CheckpointIdentity | null;
  readonly packed: PackedPart;
  /** By path. */
  readonly records: Map<string, Found>;
  /** Per operator whose state cannot be restored after the newest prepared epoch, what is wrong with it. */
  readonly lost: ReadonlyMap<string, StateProblem>;
}

/** Reads all of a checkpoint, and changes nothing. */
export async function surveyOf(directory: string): Promise<Survey> {
  const identity = await readIdentity(directory);
  const chain = new RecordChain(identity?.id ?? null);
  const packed = await packedPart(directory, chain);
  const records = new Map<string, Found>();
  for (const epoch of await unpackedEpochs(directory, packed.end)) {
    for (const kind of kinds) await survey(directory, { kind, epoch }, chain, { records, packed });
  }
  return { identity, packed, records, lost: await lostStates(directory, records) };
}

/** Epochs that have a record of any kind and are in no pack, oldest first. */
async function unpackedEpochs(directory: string, end: number): Promise<number[]> {
  const all = await Promise.all(kinds.map((kind) => recordedEpochs(directory, kind)));
  return [...new Set(all.flat())].filter((epoch) => epoch >= end).toSorted((a, b) => a - b);
}

/** Reads a record, and holds it against the one before it. */
async function survey(
  directory: string,
  { kind, epoch }: { readonly kind: RecordKind; readonly epoch: number },
  chain: RecordChain,
  { records, packed }: Pick<Survey, "records" | "packed">,
): Promise<void> {
  const path = recordPath(directory, kind, epoch);
  const text = await textOf(path);
  if (text === null) return;
  try {
    records.set(path, { kind, epoch, decoded: chain.next(text, kind, epoch) });
  } catch (thrown) {
    if (!(thrown instanceof TornRecord)) throw thrown;
    records.set(path, { kind, epoch, decoded: null, why: thrown.message });
    if (!(thrown instanceof MisplacedRecord) || (thrown.kind === kind && thrown.epoch === epoch)) return;
    // The one before is wrong, and this one is what tells.
    records.set(path, { kind, epoch, decoded: decodeInPlace(text, kind, epoch, null) });
    if (thrown.epoch < packed.end) {
      packed.damaged.push({ path: packFolder(directory), why: thrown.message });
      return;
    }
    const wrong = recordPath(directory, thrown.kind, thrown.epoch);
    records.set(wrong, { kind: thrown.kind, epoch: thrown.epoch, decoded: null, why: thrown.message });
  }
}

/** Per operator whose state cannot be restored after the newest prepared epoch, what is wrong with it. */
async function lostStates(directory: string, records: ReadonlyMap<string, Found>): Promise<Map<string, StateProblem>> {
  const { states = {} } = newestPrepared(records) ?? {};
  const lost = new Map<string, StateProblem>();
  for (const [id, chain] of Object.entries(states)) {
    const found = await stateProblem(directory, id, chain);
    if (found !== null) lost.set(id, found);
  }
  return lost;
}

/** The newest prepared record that can be read. */
export function newestPrepared(records: ReadonlyMap<string, Found>): Prepared | undefined {
  const prepared = [...records.values()].filter(({ kind, decoded }) => kind === "prepared" && decoded !== null);
  return prepared.toSorted((a, b) => b.epoch - a.epoch)[0]?.decoded?.record as Prepared | undefined;
}

/** What the packs say, which are never rebuilt: every pack holds all there is about its epochs. */
export interface PackedPart {
  /** First epoch that is in no pack. */
  readonly end: number;
  readonly ends: ReadonlyMap<string, Offset>;
  readonly damaged: { readonly path: string; readonly why: string }[];
}

async function packedPart(directory: string, chain: RecordChain): Promise<PackedPart> {
  const packs = await packsOf(directory);
  const { end, isWhole } = packedEnd(packs);
  const ends = new Map<string, Offset>();
  const damaged: { path: string; why: string }[] = [];
  if (!isWhole) damaged.push({ path: packFolder(directory), why: `no pack holds the epoch ${end}` });
  for (const pack of packs) {
    try {
      for (const { intent } of await readPack(pack, chain)) {
        for (const [id, range] of Object.entries(intent.sources)) ends.set(id, range.end);
      }
    } catch (thrown) {
      if (!(thrown instanceof TornRecord)) throw thrown;
      damaged.push({ path: pack.path, why: "nothing else holds the records of its epochs" });
    }
  }
  return { end, ends, damaged };
}

/** Null for an identity that is not what was written or is not there. */
async function readIdentity(directory: string): Promise<CheckpointIdentity | null> {
  try {
    const text = await textOf(identityPath(directory));
    return text === null ? null : identityIn(text);
  } catch (thrown) {
    if (thrown instanceof TornRecord) return null;
    throw thrown;
  }
}
