import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type Offset, OperatorError } from "@sferic/operator";
import { namesIn, textOf } from "@sferic/operator/durable-files";
import { MisplacedRecord, RecordChain } from "./chain.ts";
import { type CheckpointIdentity, identityIn } from "./identity.ts";
import {
  deadLetterFolder,
  folders,
  identityPath,
  packFolder,
  type RecordKind,
  recordedEpochs,
  recordPath,
  type RecordTypes,
  schemasPath,
} from "./layout.ts";
import { decodeLetters } from "./letters-text.ts";
import { liveHolder, type LockHolder } from "./lock.ts";
import { type Pack, packedEnd, packsOf, readPack } from "./packs.ts";
import { newestSettings, pinnedProblem, settingsOf, specsProblem } from "./newest-settings.ts";
import { type PinnedRecord, schemasIn } from "./pinned-schemas.ts";
import { type Present, recordedKinds, setAsideRecords, withoutLater, withoutPacked } from "./present.ts";
import { stateFolder, stateProblem } from "./states.ts";
import { type Committed, decodeRecord, type Intent, type Prepared, TornRecord } from "./records.ts";

const kinds = Object.keys(folders) as RecordKind[];

/**
 * What is wrong with a checkpoint. `torn`: the newest record is not what was written; the next run sets it aside and
 * goes on. `corrupt`: an older one is not, or is another one. `gap`: records are missing. No run starts on these two.
 * `dead-letters`: a file of them is not what was written; runs go on, and no replay starts.
 */
export interface CheckpointFinding {
  readonly problem: "torn" | "corrupt" | "gap" | "dead-letters";
  readonly severity: "warning" | "error";
  /** The first file concerned. */
  readonly path: string;
  readonly message: string;
}

/** An epoch that is begun and not committed. */
export interface UnfinishedEpoch {
  readonly epoch: number;
  /** ISO 8601, when it was planned. */
  readonly time: string;
  /** Its newest record, which decides what the next run does with it. */
  readonly record: "intent" | "prepared";
  readonly sources: Intent["sources"];
  /** What each sink has staged; empty before the prepared record. */
  readonly staged: Readonly<Record<string, { readonly type: string; readonly rows: number }>>;
}

/** What an operator remembers, as the newest prepared record tells. */
export interface ShownState {
  /** Groups, keys or rows. */
  readonly groups: number;
  /** Bytes of memory. */
  readonly bytes: number;
  /** A whole file and those with what changed after it, oldest first. */
  readonly files: readonly {
    readonly path: string;
    readonly epoch: number;
    readonly version: "full" | "delta";
    readonly bytes: number;
  }[];
}

/** What a checkpoint says, as far as its records can be read. */
export interface CheckpointReport {
  readonly checkpoint: string;
  /** Null when it was lost, or when the first run has not got as far as writing it. */
  readonly identity: CheckpointIdentity | null;
  /** Run that held the checkpoint while it was read. */
  readonly lock: LockHolder | null;
  /** Newest committed epoch, with the time it was planned at. */
  readonly newest: { readonly epoch: number; readonly time: string | null } | null;
  readonly unfinished: UnfinishedEpoch | null;
  /** Per source, where the newest committed range of it ends. */
  readonly offsets: Readonly<Record<string, Offset>>;
  /** Per sink, rows and files of all committed epochs. */
  readonly outputs: Readonly<Record<string, { readonly rows: number; readonly files: readonly string[] }>>;
  /** Per operator that remembers something, how much after the newest prepared epoch, and in which files. */
  readonly states: Readonly<Record<string, ShownState>>;
  /** Records read, the identity included. */
  readonly records: number;
  /** Torn records that earlier runs have set aside. */
  readonly setAside: readonly string[];
  readonly findings: readonly CheckpointFinding[];
}

/**
 * Reads a checkpoint, every record with its checksum, and changes nothing; also while a run lives on it.
 * Throws `checkpoint-not-found` when the folder holds none.
 */
export async function inspectCheckpoint(directory: string): Promise<CheckpointReport> {
  if (!(await isCheckpoint(directory))) throw notFound(directory);
  for (;;) {
    const report = await inspectOnce(directory);
    if (report !== null) return report;
  }
}

/** Null when a run has packed records while they were read. */
async function inspectOnce(directory: string): Promise<CheckpointReport | null> {
  const before = await liveHolder(directory);
  const recorded = await recordedKinds(directory);
  // A run may begin or end while the folders are looked at.
  const lock = (await liveHolder(directory)) ?? before;
  const packs = await packsOf(directory);
  const { end } = packedEnd(packs);
  const present = withoutPacked(lock === null ? recorded : withoutLater(recorded), end);
  const epochs = [...new Set(Object.values(present).flat())].toSorted((a, b) => a - b);
  const reading = new Reading(directory, present, end);
  const identity = await reading.identity(epochs.length > 0 || packs.length > 0);
  await reading.schemas();
  await reading.packs(packs);
  reading.findGaps();
  for (const epoch of epochs) await reading.epoch(epoch);
  await reading.deadLetters(identity?.id ?? null);
  const hasSoundStates = await reading.states();
  const hasMoved = async (): Promise<boolean> =>
    (await recordedEpochs(directory, "prepared")).at(-1) !== present.prepared.at(-1);
  if ((await packsOf(directory)).length !== packs.length) return null;
  // A run that lives removes files of states that it no longer needs.
  if (!hasSoundStates && lock !== null && (await hasMoved())) return null;
  const { newest, unfinished, records, findings } = reading;
  return {
    checkpoint: directory,
    identity,
    lock,
    newest,
    unfinished,
    offsets: Object.fromEntries(reading.offsets),
    outputs: Object.fromEntries([...reading.outputs].map(([id, { rows, files }]) => [id, { rows, files: [...files] }])),
    states: reading.shownStates(),
    records,
    setAside: await setAsideRecords(directory),
    findings,
  };
}

/** Whether a run has ever begun in this folder. The name `pipeline.json` says nothing: specs have it too. */
export async function isCheckpoint(directory: string): Promise<boolean> {
  if (!(await isFolder(directory))) return false;
  const names = await namesIn(directory);
  // One of them may be lost; the rest still tells.
  return ["LOCK", ...Object.values(folders)].filter((name) => names.includes(name)).length >= 2;
}

/** The error for a folder that holds no checkpoint. */
export function notFound(directory: string): OperatorError {
  return new OperatorError({
    code: "checkpoint-not-found",
    message: `There is no checkpoint in ${directory}. Name the folder that the spec has as run.checkpoint, or that --checkpoint named.`,
    details: { path: directory },
  });
}

/** Goes through the records once, oldest first, and keeps what a report needs of them. */
class Reading {
  readonly offsets = new Map<string, Offset>();
  readonly outputs = new Map<string, { rows: number; files: Set<string> }>();
  readonly findings: CheckpointFinding[] = [];
  newest: CheckpointReport["newest"] = null;
  #prepared: Prepared | null = null;
  unfinished: UnfinishedEpoch | null = null;
  records = 0;
  readonly #directory: string;
  readonly #present: Readonly<Record<RecordKind, ReadonlySet<number>>>;
  /** First epoch that is in no pack. */
  readonly #unpacked: number;
  /** Place of the newest record in the order of writing. */
  readonly #last: number;
  #chain = new RecordChain(null);

  constructor(directory: string, present: Present, unpacked: number) {
    this.#directory = directory;
    this.#unpacked = unpacked;
    this.#last = Math.max(-1, ...kinds.map((kind) => placeOf(kind, present[kind].at(-1) ?? -1)));
    const { intent, prepared, committed } = present;
    this.#present = { intent: new Set(intent), prepared: new Set(prepared), committed: new Set(committed) };
  }

  /** The columns that nothing declares, if any were kept. */
  async schemas(): Promise<void> {
    const path = schemasPath(this.#directory);
    // Before the file, which a run that lives changes first.
    const newest = await newestSettings(this.#directory);
    const pinned = await this.#decode(path, (text) => schemasIn(decodeRecord<PinnedRecord>(text)));
    if (pinned === null) return;
    const { pinned: found } = settingsOf(0, pinned ?? {});
    const problem = pinnedProblem(newest, found);
    if (problem !== null) this.#add("corrupt", path, problem);
  }

  /** Whose the checkpoint is. To have lost that is a finding only where epochs are there. */
  async identity(hasEpochs: boolean): Promise<CheckpointIdentity | null> {
    const path = identityPath(this.#directory);
    const newest = await newestSettings(this.#directory);
    const identity = await this.#decode(path, identityIn);
    if (identity === undefined && hasEpochs) this.#add("gap", path, "The file is missing, but epochs are there.");
    if (!identity) return null;
    const problem = specsProblem(newest, identity.specs ?? 0);
    if (problem !== null) this.#add("corrupt", path, problem);
    this.#chain = new RecordChain(identity.id);
    return identity;
  }

  /** The records of old epochs. */
  async packs(packs: readonly Pack[]): Promise<void> {
    const { end, isWhole } = packedEnd(packs);
    if (!isWhole)
      this.#add("gap", packFolder(this.#directory), `No pack holds the epoch ${end}, but later ones are there.`);
    for (const pack of packs) {
      try {
        for (const { intent, committed } of await readPack(pack, this.#chain)) {
          this.records += 2;
          this.#addCommitted(committed, intent);
        }
      } catch (thrown) {
        if (!(thrown instanceof TornRecord)) throw thrown;
        this.#add("corrupt", pack.path, thrown.message);
      }
    }
  }

  /** Every record that is older than the newest one and in no pack has to be there. */
  findGaps(): void {
    for (const kind of kinds) {
      const end = Math.floor((this.#last - kinds.indexOf(kind)) / kinds.length) + 1;
      let next = this.#unpacked;
      for (const epoch of [...this.#present[kind], end]) {
        if (epoch > next) this.#add("gap", recordPath(this.#directory, kind, next), missingText(next, epoch - 1));
        next = epoch + 1;
      }
    }
  }

  async epoch(epoch: number): Promise<void> {
    const intent = await this.#read("intent", epoch);
    const prepared = await this.#read("prepared", epoch);
    const committed = await this.#read("committed", epoch);
    this.#prepared = prepared ?? this.#prepared;
    if (committed !== null) this.#addCommitted(committed, intent);
    // The records of a commit that is torn are those of an epoch in work.
    this.unfinished = committed === null && intent !== null ? unfinishedEpoch(intent, prepared) : null;
  }

  /** Checks the files of all states; whether nothing is wrong with them. */
  async states(): Promise<boolean> {
    let isSound = true;
    for (const [id, chain] of Object.entries(this.#prepared?.states ?? {})) {
      const found = await stateProblem(this.#directory, id, chain);
      if (found === null) continue;
      isSound = false;
      this.#add("corrupt", found.path, `Of what "${id}" remembers: ${found.problem}.`);
    }
    return isSound;
  }

  /** Checks the files of dead letters that say whose they are. */
  async deadLetters(lineage: string | null): Promise<void> {
    const folder = deadLetterFolder(this.#directory);
    for (const name of (await namesIn(folder)).filter((each) => /^\d{10}\.jsonl$/.test(each))) {
      const path = join(folder, name);
      try {
        decodeLetters((await textOf(path)) ?? "", { epoch: Number.parseInt(name, 10), lineage });
      } catch (thrown) {
        if (!(thrown instanceof TornRecord)) throw thrown;
        this.#add("dead-letters", path, thrown.message);
      }
    }
  }

  shownStates(): CheckpointReport["states"] {
    const { states = {}, stateSizes = {} } = this.#prepared ?? {};
    const shown = Object.entries(states).map(([id, chain]) => {
      const files = chain.map(({ epoch, file, isWhole, bytes }) => ({
        path: join(stateFolder(this.#directory), id, file),
        epoch,
        version: isWhole ? ("full" as const) : ("delta" as const),
        bytes,
      }));
      const { groups = 0, bytes = 0 } = stateSizes[id] ?? {};
      return [id, { groups, bytes, files }] as const;
    });
    return Object.fromEntries(shown);
  }

  #addCommitted({ epoch, sinks }: Committed, intent: Intent | null): void {
    this.newest = { epoch, time: intent === null ? null : timeText(intent) };
    for (const [id, { end }] of Object.entries(intent?.sources ?? {})) this.offsets.set(id, end);
    for (const [id, { rows, files }] of Object.entries(sinks)) {
      const output = this.outputs.get(id) ?? { rows: 0, files: new Set<string>() };
      output.rows += rows;
      for (const file of files) output.files.add(file);
      this.outputs.set(id, output);
    }
  }

  async #read<K extends RecordKind>(kind: K, epoch: number): Promise<RecordTypes[K] | null> {
    if (!this.#present[kind].has(epoch)) return null;
    const isNewest = placeOf(kind, epoch) === this.#last;
    const path = recordPath(this.#directory, kind, epoch);
    const text = await textOf(path);
    if (text === null) return null;
    this.records += 1;
    try {
      return this.#chain.next(text, kind, epoch).record;
    } catch (thrown) {
      if (!(thrown instanceof TornRecord)) throw thrown;
      if (thrown instanceof MisplacedRecord) this.#add("corrupt", this.#placeOf(thrown), thrown.message);
      else this.#add(isNewest ? "torn" : "corrupt", path, thrown.message);
      return null;
    }
  }

  #placeOf({ kind, epoch }: MisplacedRecord): string {
    return epoch < this.#unpacked ? packFolder(this.#directory) : recordPath(this.#directory, kind, epoch);
  }

  /** Null for a record that is not what was written, undefined for one that is not there. */
  async #decode<T>(path: string, decode: (text: string) => T): Promise<T | null | undefined> {
    const text = await textOf(path);
    if (text === null) return undefined;
    this.records += 1;
    try {
      return decode(text);
    } catch (thrown) {
      if (!(thrown instanceof TornRecord)) throw thrown;
      this.#add("corrupt", path, thrown.message);
      return null;
    }
  }

  #add(problem: CheckpointFinding["problem"], path: string, message: string): void {
    this.findings.push({ problem, severity: problem === "torn" ? "warning" : "error", path, message });
  }
}

function unfinishedEpoch(intent: Intent, prepared: Prepared | null): UnfinishedEpoch {
  const staged = Object.entries(prepared?.sinks ?? {}).flatMap(([id, sink]) =>
    sink === null ? [] : [[id, { type: sink.type, rows: sink.rows }] as const],
  );
  return {
    epoch: intent.epoch,
    time: timeText(intent),
    record: prepared === null ? "intent" : "prepared",
    sources: intent.sources,
    staged: Object.fromEntries(staged),
  };
}

function timeText({ timeMs }: Intent): string {
  return new Date(timeMs).toISOString();
}

/** Place of a record in the order in which a run writes them; negative for no record. */
function placeOf(kind: RecordKind, epoch: number): number {
  return epoch < 0 ? -1 : epoch * kinds.length + kinds.indexOf(kind);
}

function missingText(first: number, last: number): string {
  const which = first === last ? `The record of epoch ${first} is` : `The records of epochs ${first} to ${last} are`;
  return `${which} missing, but later ones are there.`;
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (thrown) {
    if (["ENOENT", "ENOTDIR"].includes((thrown as NodeJS.ErrnoException).code ?? "")) return false;
    throw thrown;
  }
}
