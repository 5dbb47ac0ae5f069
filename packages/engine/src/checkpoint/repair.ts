import { link, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Offset } from "@sferic/operator";
import { createDurably, replaceDurably, sizeOf, syncDirectory } from "@sferic/operator/durable-files";
import type { CheckpointIdentity } from "./identity.ts";
import { isCheckpoint, notFound } from "./inspect.ts";
import { folders, identityPath, type RecordKind, recordPath, type RecordTypes } from "./layout.ts";
import { acquireLock } from "./lock.ts";
import { type Committed, decodeWhole, encodeRecord, type Intent, type Prepared } from "./records.ts";
import { type Found, newestPrepared, type PackedPart, type Survey, surveyOf } from "./repair-survey.ts";
import type { StateProblem } from "./states.ts";

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
  if (!apply) return new Repairing(directory, await surveyOf(directory)).repair();
  const lock = await acquireLock(directory);
  try {
    const repairing = new Repairing(directory, await surveyOf(directory));
    const repair = repairing.repair();
    if (repair.beyondRepair.length > 0) return repair;
    for (const { does, path } of repair.actions) {
      if (does === "set-aside") await rename(path, await nameAside(path));
      if (does === "forget") await link(path, await nameAside(path));
      await syncDirectory(dirname(path));
      if (does === "rebuild") await createDurably(path, repairing.textOf(path));
      if (does === "forget") await replaceDurably(path, repairing.textOf(path));
    }
    return repair;
  } finally {
    await lock.release();
  }
}

/** A name that is free. */
async function nameAside(path: string): Promise<string> {
  let name = `${path}.torn`;
  for (let number = 2; (await sizeOf(name)) !== null; number++) name = `${path}.${number}.torn`;
  return name;
}

/** Works out what there is to do. */
class Repairing {
  readonly rebuilt = new Map<string, RecordTypes[RecordKind]>();
  readonly #directory: string;
  readonly #records: Map<string, Found>;
  readonly #identity: CheckpointIdentity | null;
  readonly #packed: PackedPart;
  readonly #lost: ReadonlyMap<string, StateProblem>;
  readonly #actions: RepairAction[] = [];
  readonly #beyond: { path: string; why: string }[] = [];

  constructor(directory: string, { records, identity, packed, lost }: Survey) {
    this.#lost = lost;
    this.#directory = directory;
    this.#records = records;
    this.#identity = identity;
    this.#packed = packed;
    this.#beyond.push(...packed.damaged);
  }

  /** Text of a record that is rebuilt, which stands for the one that was there: what follows names that by its link. */
  textOf(path: string): string {
    const place = this.#placeOf(path);
    const [kind, epoch] = [kinds[place % kinds.length]!, Math.floor(place / kinds.length)];
    const [own, previous, following] = [place, place - 1, place + 1].map((at) => this.#at(at)?.decoded);
    const record = this.rebuilt.get(path)!;
    const isChained = [own, previous, following].some((decoded) => decoded?.of !== null && decoded !== undefined);
    if (!isChained || this.#identity === null) return encodeRecord(record);
    const standsFor = own?.link ?? following?.of?.before ?? undefined;
    const origin = { kind, epoch, lineage: this.#identity.id, before: previous?.link ?? null };
    const text = encodeRecord(record, { ...origin, ...(standsFor === undefined ? {} : { standsFor }) });
    this.#records.set(path, { kind, epoch, decoded: decodeWhole(text) });
    return text;
  }

  #placeOf(path: string): number {
    for (let place = this.#packed.end * kinds.length; ; place++) if (this.#pathAt(place) === path) return place;
  }

  #pathAt(place: number): string {
    return recordPath(this.#directory, kinds[place % kinds.length]!, Math.floor(place / kinds.length));
  }

  /** The record at a place, if it is what was written. */
  #at(place: number): Found | undefined {
    return place < 0 ? undefined : this.#records.get(this.#pathAt(place));
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

  /** A later record that is another's is one of an epoch that is there too, under a wrong name. */
  #leaveOutMisplaced(): void {
    for (const [path, { epoch, decoded, why }] of this.#records) {
      const isBeyond = decoded === null && why !== undefined && epoch > this.#newestWhole() + 1;
      if (isBeyond) this.#leaveOut(path, why);
    }
  }

  /** Newest epoch with a record that is what was written. */
  #newestWhole(): number {
    const whole = [...this.#records.values()].filter(({ decoded }) => decoded !== null);
    return Math.max(this.#packed.end - 1, ...whole.map(({ epoch }) => epoch));
  }

  #leaveOutTorn(): void {
    const torn = [...this.#records].find(([, found]) => placeOf(found) === this.#last() && found.decoded === null);
    if (torn !== undefined) this.#leaveOut(torn[0], lastWhy(torn[1]));
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
    const found = this.rebuilt.get(path) ?? this.#records.get(path)?.decoded?.record;
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
      this.#actions.push({
        does: "set-aside",
        path,
        why: this.#records.get(path)!.why ?? "it is not what was written",
      });
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
    for (const { decoded } of later.toSorted((a, b) => b.epoch - a.epoch)) {
      for (const [id, { start }] of Object.entries((decoded?.record as Intent | undefined)?.sources ?? {}))
        starts.set(id, start);
    }
    return starts;
  }
}

function lastWhy({ why = "" }: Found): string {
  return `it is the newest, so that the next run makes it again: ${why}`;
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
