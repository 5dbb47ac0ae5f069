import { join } from "node:path";
import { type Json, type Offset, OperatorError } from "@sferic/operator";
import {
  createDurably,
  makeDirectory,
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
  schemasPath,
} from "./layout.ts";
import { acquireLock, type CheckpointLock } from "./lock.ts";
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
import { corrupt } from "./corrupt.ts";
import { type CheckpointIdentity, identify } from "./identity.ts";
import { decodeInPlace, MisplacedRecord, RecordChain } from "./chain.ts";
import { keepCopy, restoreNewest, setRecordAside } from "./newest-copy.ts";
import { newestSettings, pinnedProblem, type Settings, settingsOf, specsProblem } from "./newest-settings.ts";
import { type PinnedSchemas, pinSchemas, readPinnedSchemas } from "./pinned-schemas.ts";
import {
  type Committed,
  type DecodedRecord,
  encodeRecord,
  type Intent,
  type Prepared,
  type RecordOrigin,
  type ReplayedLetter,
  TornRecord,
} from "./records.ts";

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
  #identity: CheckpointIdentity;
  readonly #lock: CheckpointLock;
  readonly #folders: Readonly<Record<RecordKind, SyncedFolder>>;
  /** Packs found by `recover`, and written since. */
  #packs: readonly Pack[] = [];
  /** First epoch whose records are files of their own. */
  #unpacked = 0;
  /** Link of the newest record that this process wrote. */
  #newest: { readonly kind: RecordKind; readonly epoch: number; readonly link: string } | null = null;
  #settings: Settings;
  readonly #replayed = new Set<string>();
  readonly #published = new Map<string, { readonly epoch: number; readonly record: Json | null }>();

  private constructor(directory: string, identity: CheckpointIdentity, lock: CheckpointLock) {
    this.directory = directory;
    this.#identity = identity;
    this.#settings = { specs: identity.specs ?? 0, pinned: {} };
    this.#lock = lock;
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
    const lock = await acquireLock(directory);
    try {
      const identity = await identify(directory, pipeline);
      const problem = specsProblem(await newestSettings(directory), identity.specs ?? 0);
      if (problem !== null) throw corrupt(identityPath(directory), problem);
      return new Checkpoint(directory, identity, lock);
    } catch (thrown) {
      await lock.release();
      throw thrown;
    }
  }

  /** Whose it is. */
  get identity(): CheckpointIdentity {
    return this.#identity;
  }

  /** Folder for what an operator keeps between stage and commit. */
  scratch(operatorId: string): string {
    return join(this.directory, "staged", operatorId);
  }

  /** Folder for what is of no use once the run has ended. */
  get temporary(): string {
    return join(this.directory, "staged");
  }

  /** Writes one record; it is on disk when this resolves. Throws `checkpoint-locked` once another run has taken over. */
  async write<K extends RecordKind>(kind: K, record: RecordTypes[K]): Promise<void> {
    const { epoch } = record;
    await this.requireHeld();
    const text = encodeRecord(record, await this.#originOf(kind, epoch));
    await createDurably(this.#path(kind, epoch), text, { folder: this.#folders[kind] });
    this.#newest = { kind, epoch, link: linkIn(text) };
    await keepCopy(this.directory, text);
    if (kind === "committed" && epoch + 1 >= this.#unpacked + 2 * packedEpochs) await this.#packOldest();
  }

  /** Says that from here on the checkpoint is run with this spec. */
  async adopt(specHash: string, operators: PlanOutline): Promise<void> {
    const specs = this.#settings.specs + 1;
    this.#identity = { ...this.#identity, specHash, operators, specs };
    await replaceDurably(identityPath(this.directory), encodeRecord(this.#identity));
    this.#settings = { ...this.#settings, specs };
  }

  /** Keeps columns that nothing declares, of sources that have none kept yet. Throws `checkpoint-corrupt`. */
  async pin(found: PinnedSchemas): Promise<void> {
    const pinned = { ...found, ...(await readPinnedSchemas(this.directory)) };
    const settings = settingsOf(this.#settings.specs, pinned);
    const problem = pinnedProblem(await newestSettings(this.directory), settings.pinned);
    if (problem !== null) throw corrupt(schemasPath(this.directory), problem);
    await pinSchemas(this.directory, found);
    this.#settings = settings;
  }

  /** Throws `checkpoint-locked` once another run has taken over. */
  requireHeld(): Promise<void> {
    return this.#lock.requireHeld();
  }

  /** Releases the lock. */
  async close(): Promise<void> {
    await Promise.all(Object.values(this.#folders).map((folder) => folder.close()));
    await this.#lock.release();
  }

  /**
   * Reads what is there. A torn record that is the newest is renamed to `*.torn` and, where no copy of it is kept, counts
   * as absent; a torn older one, or a gap, throws `checkpoint-corrupt` with the file and the repair. Reads every record once.
   */
  async recover(): Promise<Recovery> {
    const history: Record<string, Offset[]> = {};
    const chain = new RecordChain(this.identity.id);
    let committed = await this.#readPacks(history, chain);
    const replaced = await restoreNewest(this.directory, this.identity.id, this.#unpacked);
    const counts = await this.#countRecords();
    const setAside = [...replaced, ...(await this.#setAsideIfTorn(counts))];
    const { intent: intentCount, prepared: preparedCount, committed: next } = counts;
    let last: Recovery["last"] = null;
    for (let epoch = this.#unpacked; epoch < next; epoch++) {
      committed = await this.#require("intent", epoch, chain);
      const staged = await this.#require("prepared", epoch, chain);
      last = { intent: committed, prepared: staged };
      this.#rememberPublished(await this.#require("committed", epoch, chain), staged);
      remember(history, committed);
      this.#rememberReplays(committed);
    }
    const intent = intentCount > next ? await this.#require("intent", next, chain) : null;
    const prepared = preparedCount > next ? await this.#require("prepared", next, chain) : null;
    // A prepared epoch is published and never read again, so its sources must know that its range is taken.
    if (prepared !== null) {
      remember(history, intent!);
      last = { intent: intent!, prepared };
      this.#rememberReplays(intent!);
    }
    const lastTimeMs = intent?.timeMs ?? committed?.timeMs ?? 0;
    return { nextEpoch: next, history, lastTimeMs, intent, prepared, committed, last, setAside };
  }

  /** Whether an epoch that `recover` found, and that will not be computed again, read the input of a dead letter again. */
  hasReplayed(letter: ReplayedLetter): boolean {
    return this.#replayed.has(keyOf(letter));
  }

  #rememberReplays({ replays = [] }: Intent): void {
    for (const letter of replays) this.#replayed.add(keyOf(letter));
  }

  /**
   * Newest committed epoch of which a sink has published rows, as `recover` found, with what it had staged, which is null where
   * that is no longer known; null for none.
   */
  published(sink: string): { readonly epoch: number; readonly record: Json | null } | null {
    return this.#published.get(sink) ?? null;
  }

  #rememberPublished({ epoch, sinks }: Committed, prepared?: Prepared): void {
    for (const sink of Object.keys(sinks)) {
      this.#published.set(sink, { epoch, record: prepared?.sinks[sink]?.record ?? null });
    }
  }

  /** What an epoch read, or null when there is no such epoch. Throws `checkpoint-corrupt`. */
  async intentOf(epoch: number): Promise<Intent | null> {
    const found = this.#packs.find(({ first, last }) => first <= epoch && epoch <= last);
    if (found === undefined) return this.read("intent", epoch);
    return (await this.#readPack(found, new RecordChain(this.identity.id)))[epoch - found.first]!.intent;
  }

  /** Adds what the packs say to the history, and removes records that are in one. Resolves to the newest intent of them. */
  async #readPacks(history: Record<string, Offset[]>, chain: RecordChain): Promise<Intent | null> {
    this.#packs = await packsOf(this.directory);
    const { end, isWhole } = packedEnd(this.#packs);
    if (!isWhole) throw corrupt(packFolder(this.directory), `no pack holds the epoch ${end}, but later ones are there`);
    let newest: Intent | null = null;
    for (const found of this.#packs) {
      for (const { intent, committed } of await this.#readPack(found, chain)) {
        remember(history, (newest = intent));
        this.#rememberReplays(intent);
        this.#rememberPublished(committed);
      }
    }
    this.#unpacked = end;
    const left = new Set<number>();
    for (const kind of Object.keys(folders) as RecordKind[]) {
      for (const epoch of await recordedEpochs(this.directory, kind)) if (epoch < end) left.add(epoch);
    }
    await removeRecords(this.directory, [...left]);
    return newest;
  }

  async #readPack(found: Pack, chain: RecordChain): Promise<PackedEpoch[]> {
    try {
      return await readPack(found, chain);
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
    return (await this.#decoded(kind, epoch))?.record ?? null;
  }

  async #decoded<K extends RecordKind>(kind: K, epoch: number): Promise<DecodedRecord<RecordTypes[K]> | null> {
    const text = await textOf(this.#path(kind, epoch));
    return text === null ? null : decodeInPlace(text, kind, epoch, this.identity.id);
  }

  /** What a new record says of itself. */
  async #originOf(kind: RecordKind, epoch: number): Promise<RecordOrigin> {
    const before = {
      intent: async () => (epoch === 0 ? null : this.#linkOf("committed", epoch - 1)),
      prepared: async () => this.#linkOf("intent", epoch),
      committed: async () => this.#linkOf("prepared", epoch),
    };
    const origin = { kind, epoch, lineage: this.identity.id, before: await before[kind]() };
    const intent = kind === "committed" ? await this.#linkOf("intent", epoch) : null;
    if (kind === "intent") return { ...origin, ...this.#settings };
    return intent === null ? origin : { ...origin, intent };
  }

  async #linkOf(kind: RecordKind, epoch: number): Promise<string | null> {
    if (this.#newest?.kind === kind && this.#newest.epoch === epoch) return this.#newest.link;
    return (await this.#decoded(kind, epoch))?.link ?? null;
  }

  async #require<K extends RecordKind>(kind: K, epoch: number, chain: RecordChain): Promise<RecordTypes[K]> {
    const path = this.#path(kind, epoch);
    try {
      const text = await textOf(path);
      if (text !== null) return chain.next(text, kind, epoch).record;
    } catch (thrown) {
      if (thrown instanceof MisplacedRecord) throw this.#misplaced(thrown);
      if (!(thrown instanceof TornRecord)) throw thrown;
      throw corrupt(path, `${thrown.message} It is not the newest record, so it cannot be left out`);
    }
    throw corrupt(path, "the record is missing");
  }

  /** A record before the first one that is no longer in a pack can be in one. */
  #misplaced({ kind, epoch, message }: MisplacedRecord): OperatorError {
    const pack = this.#packs.find(({ first, last }) => first <= epoch && epoch <= last);
    return corrupt(pack?.path ?? this.#path(kind, epoch), message);
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
      if (thrown instanceof MisplacedRecord) throw this.#misplaced(thrown);
      if (!(thrown instanceof TornRecord)) throw thrown;
      await setRecordAside(path);
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

function keyOf({ epoch, source, name }: ReplayedLetter): string {
  return JSON.stringify([epoch, source, name]);
}

function linkIn(text: string): string {
  return /^\{"checksum":"([0-9a-f]{64})"/.exec(text)![1]!;
}

function remember(history: Record<string, Offset[]>, { sources }: Intent): void {
  for (const [source, { end }] of Object.entries(sources)) (history[source] ??= []).push(end);
}
