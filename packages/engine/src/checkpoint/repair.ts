import { link, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Offset } from "@sferic/operator";
import { createDurably, replaceDurably, sizeOf, syncDirectory, textOf } from "@sferic/operator/durable-files";
import { isCheckpoint, notFound } from "./inspect.ts";
import {
  folders,
  identityPath,
  packFolder,
  type RecordKind,
  recordedEpochs,
  recordPath,
  type RecordTypes,
} from "./layout.ts";
import { acquireLock } from "./lock.ts";
import { packedEnd, packsOf, readPack } from "./packs.ts";
import { type Committed, decodeRecord, encodeRecord, type Intent, type Prepared, TornRecord } from "./records.ts";
import { type StateProblem, stateProblem } from "./states.ts";

/** One thing that a repair does to a file. */
export interface RepairAction {
  /**
   * `set-aside`: the file gets another name beside it. `rebuild`: a record is written in its place. `forget`: an operator's
   * state is left out of a record, which stays under another name.
   */
  readonly does: "set-aside" | "rebuild" | "forget";
  readonly path: string;
  readonly why: string;
}

/** What a repair of a checkpoint comes to. */
export interface CheckpointRepair {
  /** In the order in which they are done; nothing is ever deleted. */
  readonly actions: readonly RepairAction[];
  /** What no other record tells. When there is any, nothing at all is done. */
  readonly beyondRepair: readonly { readonly path: string; readonly why: string }[];
}

type Counts = Prepared["operators"];

const kinds = Object.keys(folders) as RecordKind[];

/**
 * Puts a checkpoint right as far as its other records prove what was lost. A torn newest record is set aside, as the
 * next run would. An older one is rebuilt: that an epoch was committed follows from a later one, its range from the
 * ends before and the starts after it. An operator whose state cannot be restored forgets it: that loses rows of
 * open windows, which the action says. Without `apply` it only says what it would do; with it the checkpoint is locked,
 * and a repair that is killed can be done again. Throws `checkpoint-not-found`, `checkpoint-locked`.
 */
export async function repairCheckpoint(directory: string, { apply }: { apply: boolean }): Promise<CheckpointRepair> {
  if (!(await isCheckpoint(directory))) throw notFound(directory);
  if (!apply) return (await surveyOf(directory)).repair();
  const release = await acquireLock(directory);
  try {
    const survey = await surveyOf(directory);
    const repair = survey.repair();
    if (repair.beyondRepair.length > 0) return repair;
    for (const { does, path } of repair.actions) {
      if (does === "set-aside") await rename(path, await nameAside(path));
      if (does === "forget") await link(path, await nameAside(path));
      await syncDirectory(dirname(path));
      if (does === "rebuild") await createDurably(path, encodeRecord(survey.rebuilt.get(path)!));
      if (does === "forget") await replaceDurably(path, encodeRecord(survey.rebuilt.get(path)!));
    }
    return repair;
  } finally {
    await release();
  }
}

/** A name that is free. */
async function nameAside(path: string): Promise<string> {
  let name = `${path}.torn`;
  for (let number = 2; (await sizeOf(name)) !== null; number++) name = `${path}.${number}.torn`;
  return name;
}

async function surveyOf(directory: string): Promise<Survey> {
  const packed = await packedPart(directory);
  const records = new Map<string, Found>();
  for (const kind of kinds) {
    for (const epoch of await recordedEpochs(directory, kind)) {
      if (epoch < packed.end) continue;
      const path = recordPath(directory, kind, epoch);
      records.set(path, { kind, epoch, ...(await read(path)) });
    }
  }
  const lost = await lostStates(directory, records);
  return new Survey(directory, records, await read(identityPath(directory)), packed, lost);
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

function newestPrepared(records: ReadonlyMap<string, Found>): Prepared | undefined {
  const prepared = [...records.values()].filter(({ kind, record }) => kind === "prepared" && record !== null);
  return prepared.toSorted((a, b) => b.epoch - a.epoch)[0]?.record as Prepared | undefined;
}

/** What the packs say, which are never rebuilt: every pack holds all there is about its epochs. */
interface PackedPart {
  /** First epoch that is in no pack. */
  readonly end: number;
  readonly ends: ReadonlyMap<string, Offset>;
  readonly damaged: readonly { readonly path: string; readonly why: string }[];
}

async function packedPart(directory: string): Promise<PackedPart> {
  const packs = await packsOf(directory);
  const { end, isWhole } = packedEnd(packs);
  const ends = new Map<string, Offset>();
  const damaged: { path: string; why: string }[] = [];
  if (!isWhole) damaged.push({ path: packFolder(directory), why: `no pack holds the epoch ${end}` });
  for (const pack of packs) {
    try {
      for (const { intent } of await readPack(pack)) {
        for (const [id, range] of Object.entries(intent.sources)) ends.set(id, range.end);
      }
    } catch (thrown) {
      if (!(thrown instanceof TornRecord)) throw thrown;
      damaged.push({ path: pack.path, why: "nothing else holds the records of its epochs" });
    }
  }
  return { end, ends, damaged };
}

/** Null for a record that is not what was written or is not there. */
async function read(path: string): Promise<{ record: RecordTypes[RecordKind] | null }> {
  try {
    const text = await textOf(path);
    return { record: text === null ? null : decodeRecord(text) };
  } catch (thrown) {
    if (thrown instanceof TornRecord) return { record: null };
    throw thrown;
  }
}

interface Found {
  readonly kind: RecordKind;
  readonly epoch: number;
  readonly record: RecordTypes[RecordKind] | null;
}

class Survey {
  readonly rebuilt = new Map<string, RecordTypes[RecordKind]>();
  readonly #directory: string;
  readonly #records: Map<string, Found>;
  readonly #identity: object | null;
  readonly #packed: PackedPart;
  readonly #lost: ReadonlyMap<string, StateProblem>;
  readonly #actions: RepairAction[] = [];
  readonly #beyond: { path: string; why: string }[] = [];

  constructor(
    directory: string,
    records: Map<string, Found>,
    identity: { record: object | null },
    packed: PackedPart,
    lost: ReadonlyMap<string, StateProblem>,
  ) {
    this.#lost = lost;
    this.#directory = directory;
    this.#records = records;
    this.#identity = identity.record;
    this.#packed = packed;
    this.#beyond.push(...packed.damaged);
  }

  repair(): CheckpointRepair {
    this.#leaveOutMisplaced();
    this.#leaveOutTorn();
    if (this.#identity === null && this.#records.size + this.#packed.end > 0) {
      this.#beyond.push({ path: identityPath(this.#directory), why: "nothing else says whose the checkpoint is" });
    }
    const last = this.#last();
    for (let place = this.#packed.end * kinds.length; place <= last; place++) {
      const [kind, epoch] = [kinds[place % kinds.length]!, Math.floor(place / kinds.length)];
      if (this.#get(kind, epoch) === undefined) this.#rebuild(kind, epoch);
    }
    this.#forgetLost();
    return { actions: this.#actions, beyondRepair: this.#beyond };
  }

  #leaveOutMisplaced(): void {
    for (const [path, { epoch, record }] of this.#records) {
      if (record === null || record.epoch === epoch) continue;
      this.#leaveOut(path, `it is the record of epoch ${record.epoch}`);
    }
  }

  #leaveOutTorn(): void {
    const torn = [...this.#records].find(([, found]) => placeOf(found) === this.#last() && found.record === null);
    if (torn !== undefined) this.#leaveOut(torn[0], "it is torn and the newest, as a power failure leaves it");
  }

  /** What an operator remembered cannot be made again without its rows: it begins anew. */
  #forgetLost(): void {
    const prepared = newestPrepared(this.#records);
    if (prepared === undefined || this.#lost.size === 0) return;
    const { states = {}, stateSizes = {}, ...rest } = prepared;
    const without = <T>(all: Readonly<Record<string, T>>): Record<string, T> =>
      Object.fromEntries(Object.entries(all).filter(([id]) => !this.#lost.has(id)));
    const whys = [...this.#lost].map(([id, { path, problem }]) => {
      const groups = stateSizes[id]?.groups ?? 0;
      return `${path}: ${problem}. "${id}" forgets its ${groups} groups and begins anew: windows that are open now will miss the rows of epochs up to ${prepared.epoch}`;
    });
    const path = recordPath(this.#directory, "prepared", prepared.epoch);
    this.rebuilt.set(path, { ...rest, states: without(states), stateSizes: without(stateSizes) });
    this.#actions.push({ does: "forget", path, why: whys.join("; ") });
  }

  #leaveOut(path: string, why: string): void {
    this.#records.delete(path);
    this.#actions.push({ does: "set-aside", path, why });
  }

  #last(): number {
    return Math.max(-1, ...[...this.#records.values()].map(placeOf));
  }

  #get<K extends RecordKind>(kind: K, epoch: number): RecordTypes[K] | undefined {
    const path = recordPath(this.#directory, kind, epoch);
    const found = this.rebuilt.get(path) ?? this.#records.get(path)?.record;
    return (found ?? undefined) as RecordTypes[K] | undefined;
  }

  #rebuild(kind: RecordKind, epoch: number): void {
    const path = recordPath(this.#directory, kind, epoch);
    const record = this.#rebuiltRecord(kind, epoch);
    if (typeof record === "string") {
      this.#beyond.push({ path, why: record });
      return;
    }
    if (this.#records.has(path)) {
      this.#actions.push({ does: "set-aside", path, why: "it is not what was written" });
    }
    const why = kind === "intent" ? "the epochs around it tell its range" : "a later record proves the epoch";
    this.#actions.push({ does: "rebuild", path, why });
    this.rebuilt.set(path, record);
  }

  /** The record, or why there can be none. */
  #rebuiltRecord(kind: RecordKind, epoch: number): RecordTypes[RecordKind] | string {
    if (kind === "intent") return this.#rebuiltIntent(epoch);
    const isFollowed = [...this.#records.values()].some((found) => found.epoch > epoch);
    if (!isFollowed && this.#get("committed", epoch) === undefined) return "no later record proves what it said";
    if (kind === "prepared" && this.#isRemembering(epoch)) {
      return "what operators remember, and how far event time had got, stands in no other record";
    }
    const operators = this.#countsOf(epoch) ?? {};
    const prepared: Prepared = { epoch, sinks: {}, operators };
    if (kind === "prepared") return prepared;
    const seconds = { plan: 0, read: 0, transform: 0, stage: 0, publish: 0, commit: 0 };
    return { ...prepared, sinks: {}, seconds } satisfies Committed;
  }

  /** Whether the run goes on with what the prepared record of this epoch said of event time and states. */
  #isRemembering(epoch: number): boolean {
    const isNewest = [...this.#records.values()].every((found) => found.kind !== "prepared" || found.epoch <= epoch);
    const { watermarks } = this.#get("intent", epoch) ?? {};
    const { stateSizes } = this.#get("committed", epoch) ?? {};
    return isNewest && (watermarks !== undefined || stateSizes !== undefined);
  }

  #rebuiltIntent(epoch: number): Intent | string {
    const next = this.#get("intent", epoch + 1);
    if (next === undefined) return "the range of the epoch stands in no other record";
    const counts = this.#countsOf(epoch);
    if (counts === undefined) return "no record of the epoch says which sources it read";
    const before = this.#endsBefore(epoch);
    const after = this.#startsAfter(epoch);
    const sources: Record<string, { start: Offset | null; end: Offset }> = {};
    // What is read whole in every epoch has no range.
    const streamed = sourcesOf(counts).filter((id) => next.references?.[id] === undefined);
    for (const id of new Set([...streamed, ...after.keys()])) {
      const start = before.get(id) ?? null;
      const end = after.has(id) ? after.get(id)! : hasRead(counts, id) ? undefined : start;
      if (end === undefined) return `no later record tells how far the source "${id}" was read`;
      if (end !== null && !isDeepStrictEqual(start, end)) sources[id] = { start, end };
    }
    return { epoch, timeMs: next.timeMs, seed: 0, sources };
  }

  /** What the operators of an epoch counted. */
  #countsOf(epoch: number): Counts | undefined {
    return this.#get("committed", epoch)?.operators ?? this.#get("prepared", epoch)?.operators;
  }

  #endsBefore(epoch: number): Map<string, Offset> {
    const ends = new Map(this.#packed.ends);
    for (let earlier = this.#packed.end; earlier < epoch; earlier++) {
      for (const [id, { end }] of Object.entries(this.#get("intent", earlier)?.sources ?? {})) ends.set(id, end);
    }
    return ends;
  }

  /** Where each source goes on in the first later epoch that reads it. */
  #startsAfter(epoch: number): Map<string, Offset | null> {
    const starts = new Map<string, Offset | null>();
    const later = [...this.#records.values()].filter((found) => found.kind === "intent" && found.epoch > epoch);
    for (const { record } of later.toSorted((a, b) => b.epoch - a.epoch)) {
      for (const [id, { start }] of Object.entries((record as Intent | null)?.sources ?? {})) starts.set(id, start);
    }
    return starts;
  }
}

/** Place of a record in the order in which a run writes them. */
function placeOf({ kind, epoch }: Found): number {
  return epoch * kinds.length + kinds.indexOf(kind);
}

function sourcesOf(counts: Counts): string[] {
  return Object.keys(counts).filter((id) => counts[id]!.kind === "source");
}

function hasRead(counts: Counts, id: string): boolean {
  const { rowsOut = 0, bytesRead = 0, invalid = 0 } = counts[id] ?? {};
  return rowsOut + bytesRead + invalid > 0;
}
