import { randomUUID } from "node:crypto";
import { rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Offset, OperatorError } from "@sferic/operator";
import {
  createDurably,
  makeDirectory,
  namesIn,
  remove,
  replaceDurably,
  syncAncestors,
  syncDirectory,
  SyncedFolder,
  textOf,
} from "@sferic/operator/durable-files";
import {
  folders,
  identityPath,
  packFolder,
  packPath,
  type RecordKind,
  recordedEpochs,
  recordPath,
  type RecordTypes,
} from "./layout.ts";
import { acquireLock } from "./lock.ts";
import {
  pack,
  type Pack,
  type PackedEpoch,
  packedEnd,
  packedEpochs,
  packsOf,
  readPack,
  removeRecords,
} from "./packs.ts";
import type { PlanOutline } from "./plan-changes.ts";
import { decodeRecord, encodeRecord, type Intent, type Prepared, TornRecord } from "./records.ts";

/** The first file of a checkpoint: whose it is. */
export interface CheckpointIdentity {
  readonly id: string;
  readonly pipeline: string;
  readonly specHash: string;
  readonly engineVersion: string;
  /** Operators of the last run. */
  readonly operators?: PlanOutline;
}

/** What a checkpoint says a new run has to do first. */
export interface Recovery {
  /** First epoch that is not committed. */
  readonly nextEpoch: number;
  /** End offsets per source of all epochs that will not be read again, oldest first. */
  readonly history: Readonly<Record<string, Offset[]>>;
  readonly lastTimeMs: number;
  /** The unfinished epoch, if there is one. */
  readonly intent: Intent | null;
  /** Its staged output, if it got that far. */
  readonly prepared: Prepared | null;
  /** Newest committed epoch, to be acknowledged again. */
  readonly committed: Intent | null;
  /** What was prepared last: for the unfinished epoch, or else for the newest committed one. */
  readonly last: { readonly intent: Intent; readonly prepared: Prepared } | null;
  /** Records that were set aside because they were torn. */
  readonly setAside: readonly string[];
}

/**
 * The folder that makes a run resumable (layout in the guide "Guarantees"). Held under a lock from `open` to `close`.
 * Every record is written once, synced, and never changed; those of old epochs move into packs.
 */
export class Checkpoint {
  readonly directory: string;
  readonly identity: CheckpointIdentity;
  readonly #release: () => Promise<void>;
  readonly #folders: Readonly<Record<RecordKind, SyncedFolder>>;
  /** Packs found by `recover`, and written since. */
  #packs: readonly Pack[] = [];
  /** First epoch whose records are files of their own. */
  #unpacked = 0;

  private constructor(directory: string, identity: CheckpointIdentity, release: () => Promise<void>) {
    this.directory = directory;
    this.identity = identity;
    this.#release = release;
    const open = (kind: RecordKind): SyncedFolder => new SyncedFolder(join(directory, folders[kind]));
    this.#folders = { intent: open("intent"), prepared: open("prepared"), committed: open("committed") };
  }

  /**
   * Opens or creates the checkpoint and takes its lock. Throws `checkpoint-locked`, or `checkpoint-mismatch` when it
   * belongs to a pipeline of another name.
   */
  static async open(
    directory: string,
    pipeline: { name: string; specHash: string; engineVersion: string; operators?: PlanOutline },
  ): Promise<Checkpoint> {
    for (const folder of Object.values(folders)) await makeDirectory(join(directory, folder));
    // Records are trusted from here on, also those whose writer died before it had synced their names.
    for (const folder of Object.values(folders)) await syncDirectory(join(directory, folder));
    await syncAncestors(directory);
    const release = await acquireLock(directory);
    try {
      return new Checkpoint(directory, await identify(directory, pipeline), release);
    } catch (thrown) {
      await release();
      throw thrown;
    }
  }

  /** Folder for what an operator keeps between stage and commit. */
  scratch(operatorId: string): string {
    return join(this.directory, "staged", operatorId);
  }

  /** Writes one record; it is on disk when this resolves. */
  async write<K extends RecordKind>(kind: K, record: RecordTypes[K]): Promise<void> {
    await createDurably(this.#path(kind, record.epoch), encodeRecord(record), { folder: this.#folders[kind] });
    if (kind === "committed" && record.epoch + 1 >= this.#unpacked + 2 * packedEpochs) await this.#packOldest();
  }

  /** Says that from here on the checkpoint is run with this spec. */
  async adopt(specHash: string, operators: PlanOutline): Promise<void> {
    await replaceDurably(identityPath(this.directory), encodeRecord({ ...this.identity, specHash, operators }));
  }

  /** Lets go of the lock. */
  async close(): Promise<void> {
    await Promise.all(Object.values(this.#folders).map((folder) => folder.close()));
    await this.#release();
  }

  /**
   * Reads what is there. A torn record that is the newest is renamed to `*.torn` and counts as absent; a torn older
   * one, or a gap, throws `checkpoint-corrupt` with the file and the repair. Reads every record once.
   */
  async recover(): Promise<Recovery> {
    const history: Record<string, Offset[]> = {};
    let committed = await this.#readPacks(history);
    const counts = await this.#countRecords();
    const setAside = await this.#setAsideIfTorn(counts);
    const { intent: intentCount, prepared: preparedCount, committed: next } = counts;
    let last: Recovery["last"] = null;
    for (let epoch = this.#unpacked; epoch < next; epoch++) {
      committed = await this.#require("intent", epoch);
      last = { intent: committed, prepared: await this.#require("prepared", epoch) };
      await this.#require("committed", epoch);
      remember(history, committed);
    }
    const intent = intentCount > next ? await this.#require("intent", next) : null;
    const prepared = preparedCount > next ? await this.#require("prepared", next) : null;
    // A prepared epoch is published and never read again, so its sources must know that its range is taken.
    if (prepared !== null) {
      remember(history, intent!);
      last = { intent: intent!, prepared };
    }
    const lastTimeMs = intent?.timeMs ?? committed?.timeMs ?? 0;
    return { nextEpoch: next, history, lastTimeMs, intent, prepared, committed, last, setAside };
  }

  /** What an epoch read, or null when there is no such epoch. Throws `checkpoint-corrupt`. */
  async intentOf(epoch: number): Promise<Intent | null> {
    const found = this.#packs.find(({ first, last }) => first <= epoch && epoch <= last);
    if (found === undefined) return this.read("intent", epoch);
    return (await this.#readPack(found))[epoch - found.first]!.intent;
  }

  /** Adds what the packs say to the history, and removes records that are in one. Resolves to the newest intent of them. */
  async #readPacks(history: Record<string, Offset[]>): Promise<Intent | null> {
    this.#packs = await packsOf(this.directory);
    const { end, isWhole } = packedEnd(this.#packs);
    if (!isWhole) throw corrupt(packFolder(this.directory), `no pack holds the epoch ${end}, but later ones are there`);
    let newest: Intent | null = null;
    for (const found of this.#packs) {
      for (const { intent } of await this.#readPack(found)) remember(history, (newest = intent));
    }
    this.#unpacked = end;
    const left = new Set<number>();
    for (const kind of Object.keys(folders) as RecordKind[]) {
      for (const epoch of await recordedEpochs(this.directory, kind)) if (epoch < end) left.add(epoch);
    }
    await removeRecords(this.directory, [...left]);
    return newest;
  }

  async #readPack(found: Pack): Promise<PackedEpoch[]> {
    try {
      return await readPack(found);
    } catch (thrown) {
      if (!(thrown instanceof TornRecord)) throw thrown;
      throw corrupt(found.path, thrown.message);
    }
  }

  async #packOldest(): Promise<void> {
    const [first, last] = [this.#unpacked, this.#unpacked + packedEpochs - 1];
    await pack(this.directory, first, last);
    this.#packs = [...this.#packs, { first, last, path: packPath(this.directory, first, last) }];
    this.#unpacked = last + 1;
  }

  /** A record that is not in a pack, or null when there is none. Throws {@link TornRecord}. */
  async read<K extends RecordKind>(kind: K, epoch: number): Promise<RecordTypes[K] | null> {
    const text = await textOf(this.#path(kind, epoch));
    return text === null ? null : decodeRecord<RecordTypes[K]>(text);
  }

  async #require<K extends RecordKind>(kind: K, epoch: number): Promise<RecordTypes[K]> {
    const path = this.#path(kind, epoch);
    try {
      const record = await this.read(kind, epoch);
      if (record !== null) return record;
    } catch (thrown) {
      if (!(thrown instanceof TornRecord)) throw thrown;
      throw corrupt(path, `${thrown.message} It is not the newest record, so it cannot be left out`);
    }
    throw corrupt(path, "the record is missing");
  }

  /** Renames the newest record when it is torn, and takes it out of the counts. */
  async #setAsideIfTorn(counts: Record<RecordKind, number>): Promise<string[]> {
    const { intent, prepared, committed } = counts;
    const kind = committed === intent ? "committed" : prepared === intent ? "prepared" : "intent";
    const epoch = counts[kind] - 1;
    if (epoch < this.#unpacked) return [];
    const path = this.#path(kind, epoch);
    try {
      await this.read(kind, epoch);
      return [];
    } catch (thrown) {
      if (!(thrown instanceof TornRecord)) throw thrown;
      await remove(`${path}.torn`);
      await rename(path, `${path}.torn`);
      await syncDirectory(dirname(path));
      counts[kind] -= 1;
      return [path];
    }
  }

  /**
   * How many epochs have, or had before they were packed, a record of each kind. Epochs count from 0 without a gap, and only the last of them may lack
   * its later records.
   */
  async #countRecords(): Promise<Record<RecordKind, number>> {
    const intent = await this.#countKind("intent");
    const prepared = await this.#countKind("prepared");
    const committed = await this.#countKind("committed");
    if (prepared > intent || committed > intent) throw this.#missing("intent", intent);
    if (committed > prepared || intent > prepared + 1) throw this.#missing("prepared", prepared);
    if (intent > committed + 1) throw this.#missing("committed", committed);
    return { intent, prepared, committed };
  }

  async #countKind(kind: RecordKind): Promise<number> {
    const epochs = await recordedEpochs(this.directory, kind);
    const gap = epochs.findIndex((epoch, index) => epoch !== this.#unpacked + index);
    if (gap === -1) return this.#unpacked + epochs.length;
    throw this.#missing(kind, this.#unpacked + gap);
  }

  #missing(kind: RecordKind, epoch: number): OperatorError {
    return corrupt(this.#path(kind, epoch), "the record is missing, but later ones are there");
  }

  #path(kind: RecordKind, epoch: number): string {
    return recordPath(this.directory, kind, epoch);
  }
}

function remember(history: Record<string, Offset[]>, { sources }: Intent): void {
  for (const [source, { end }] of Object.entries(sources)) (history[source] ??= []).push(end);
}

async function identify(
  directory: string,
  pipeline: { name: string; specHash: string; engineVersion: string; operators?: PlanOutline },
): Promise<CheckpointIdentity> {
  const path = identityPath(directory);
  const text = await textOf(path);
  if (text === null) {
    const records = [join(directory, folders.intent), packFolder(directory)].map((folder) => namesIn(folder));
    if ((await Promise.all(records)).flat().some((name) => /\.jsonl?$/.test(name))) {
      throw corrupt(path, "the file is missing, but epochs are there");
    }
    const { name, ...rest } = pipeline;
    const identity = { id: randomUUID(), pipeline: name, ...rest };
    await createDurably(path, encodeRecord(identity));
    return identity;
  }
  const identity = decodeIdentity(path, text);
  if (identity.pipeline === pipeline.name) return identity;
  throw new OperatorError({
    code: "checkpoint-mismatch",
    message: `The checkpoint ${directory} belongs to the pipeline "${identity.pipeline}", not to "${pipeline.name}". Give this pipeline a checkpoint of its own.`,
  });
}

function decodeIdentity(path: string, text: string): CheckpointIdentity {
  try {
    return decodeRecord<CheckpointIdentity>(text);
  } catch (thrown) {
    if (!(thrown instanceof TornRecord)) throw thrown;
    throw corrupt(path, thrown.message);
  }
}

function corrupt(path: string, reason: string): OperatorError {
  return new OperatorError({
    code: "checkpoint-corrupt",
    message: `The checkpoint cannot be trusted: ${path}: ${reason}. Restore the file from a copy, or start anew with an empty checkpoint and empty outputs.`,
    details: { path },
  });
}
