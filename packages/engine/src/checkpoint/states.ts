import { open } from "node:fs/promises";
import { basename, join } from "node:path";
import { crc32 } from "node:zlib";
import {
  type Json,
  OperatorError,
  type StateFile,
  type StateSize,
  type Transform,
  type WrittenFile,
} from "@sferic/operator";
import { makeDirectory, namesIn, remove, syncDirectory } from "@sferic/operator/durable-files";

/** A file of an operator's state: the newest epoch that it tells of, and what the operator says about it. */
export interface StateEntry extends WrittenFile {
  readonly epoch: number;
  /** Name in the operator's folder. */
  readonly file: string;
  /** Whether it holds all groups; if not, those that changed since the file before. */
  readonly isWhole: boolean;
  readonly record: Json;
}

/** Per operator, the files that make up its state: a whole one, and those with what changed after it. */
export type StateEntries = Readonly<Record<string, readonly StateEntry[]>>;

/** What an operator remembers after an epoch. */
export interface StateReport extends StateSize {
  /** What the epoch wrote of it; absent when nothing had changed, or there is no checkpoint. */
  readonly file?: { readonly version: "full" | "delta"; readonly bytes: number };
  /** The files that make it up, in all; absent without a checkpoint. */
  readonly files?: { readonly count: number; readonly bytes: number };
}

/** Per operator that remembers something. */
export type StateReports = Readonly<Record<string, StateReport>>;

/** The folder of a checkpoint with what operators remember: `state/<operator>/<epoch>.arrow`. */
export class States {
  readonly #directory: string;
  /** Of the newest epoch, and of the one before it. */
  #entries: StateEntries = {};
  #before: StateEntries = {};

  constructor(checkpoint: string) {
    this.#directory = stateFolder(checkpoint);
  }

  /** Gives operators back what they remembered. Throws `checkpoint-corrupt` when a file is not what was written. */
  async restore(operators: ReadonlyMap<string, Transform>, entries: StateEntries): Promise<void> {
    [this.#before, this.#entries] = [entries, entries];
    for (const [id, transform] of operators) {
      const files: StateFile[] = [];
      for (const entry of entries[id] ?? []) {
        const path = this.#path(id, entry.file);
        const problem = await stateFileProblem(path, entry);
        if (problem !== null) throw corruptState(id, path, problem);
        files.push({ path, record: entry.record });
      }
      if (files.length > 0) await transform.restore?.(files);
    }
  }

  /** Writes what operators remember after an epoch; it is on disk when this resolves. */
  async write(operators: ReadonlyMap<string, Transform>, epoch: number): Promise<StateEntries> {
    const entries: Record<string, readonly StateEntry[]> = { ...this.#entries };
    for (const [id, transform] of operators) {
      if (transform.snapshot === undefined) continue;
      await makeDirectory(join(this.#directory, id));
      const file = nameOf(epoch);
      const snapshot = await transform.snapshot(this.#path(id, file));
      if (snapshot === null) continue;
      await syncDirectory(join(this.#directory, id));
      const { isWhole, bytes, checksum, record, base } = snapshot;
      const before = withBase(entries[id] ?? [], base);
      entries[id] = [...(isWhole ? [] : before), { epoch, file, isWhole, bytes, checksum, record }];
    }
    [this.#before, this.#entries] = [this.#entries, entries];
    return entries;
  }

  /** Removes files that neither the newest epoch nor the one before it needs. */
  async clean(): Promise<void> {
    for (const id of Object.keys(this.#entries)) {
      const needed = [...(this.#before[id] ?? []), ...this.#entries[id]!];
      const oldest = Math.min(...needed.map(({ epoch }) => epoch));
      const old = (await namesIn(join(this.#directory, id))).filter((name) => Number.parseInt(name, 10) < oldest);
      for (const name of old) await remove(join(this.#directory, id, name));
    }
  }

  #path(id: string, file: string): string {
    return join(this.#directory, id, file);
  }
}

/** Folder of a checkpoint with a folder for each operator that remembers something. */
export function stateFolder(checkpoint: string): string {
  return join(checkpoint, "state");
}

/** What operators remember after an epoch, for its records; `entries` are those of this epoch and the ones before. */
export function stateReports(
  operators: ReadonlyMap<string, Transform>,
  entries: StateEntries,
  epoch: number,
): StateReports {
  const reports = [...operators].flatMap(([id, transform]) => {
    const size = transform.stateSize?.() ?? null;
    if (size === null) return [];
    const chain = entries[id] ?? [];
    return [[id, { ...size, ...filesOf(chain, epoch) }] as const];
  });
  return Object.fromEntries(reports);
}

function filesOf(chain: readonly StateEntry[], epoch: number): Pick<StateReport, "file" | "files"> {
  const newest = chain.at(-1);
  if (newest === undefined) return {};
  const version = newest.isWhole ? "full" : "delta";
  return {
    ...(newest.epoch === epoch ? { file: { version, bytes: newest.bytes } } : {}),
    files: { count: chain.length, bytes: chain.reduce((sum, { bytes }) => sum + bytes, 0) },
  };
}

/** What is wrong with the files of an operator's state. */
export interface StateProblem {
  readonly path: string;
  readonly problem: string;
}

/** What is wrong with a chain of files, the first thing of it; null when the state can be restored. Reads all of them. */
export async function stateProblem(
  checkpoint: string,
  operatorId: string,
  chain: readonly StateEntry[],
): Promise<StateProblem | null> {
  const paths = chain.map(({ file }) => join(stateFolder(checkpoint), operatorId, file));
  for (const [index, entry] of chain.entries()) {
    const path = paths[index]!;
    const isNext = index === 0 ? entry.isWhole : entry.epoch > chain[index - 1]!.epoch && !entry.isWhole;
    const problem = isNext ? await stateFileProblem(path, entry) : "it is not the file that follows the one before";
    if (problem !== null) return { path, problem };
  }
  return null;
}

/** Why a file of a state is not what was written; null when it is. Reads it once, a mebibyte at a time. */
export async function stateFileProblem(path: string, { bytes, checksum }: WrittenFile): Promise<string | null> {
  try {
    await using file = await open(path);
    let [sum, length] = [0, 0];
    for await (const part of file.createReadStream({ highWaterMark: 2 ** 20, autoClose: false })) {
      sum = crc32(part as Buffer, sum);
      length += (part as Buffer).length;
    }
    if (length !== bytes) return `it has ${length} bytes, and ${bytes} were written`;
    return `crc32:${sum.toString(16).padStart(8, "0")}` === checksum ? null : "it does not match its checksum";
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return "it is missing";
    throw thrown;
  }
}

function corruptState(operatorId: string, path: string, problem: string): OperatorError {
  return new OperatorError({
    code: "checkpoint-corrupt",
    message: `The checkpoint cannot be trusted: ${path}, of what "${operatorId}" remembers: ${problem}. Restore the file from a copy; "sferic checkpoint repair" says what there is to do without it.`,
    operatorId,
    details: { path },
  });
}

/** The chain once a whole file has taken the place of its first ones. */
function withBase(
  entries: readonly StateEntry[],
  base: (WrittenFile & StateFile & { readonly fileCount: number }) | undefined,
): readonly StateEntry[] {
  if (base === undefined) return entries;
  const { path, fileCount, bytes, checksum, record } = base;
  const { epoch } = entries[fileCount - 1]!;
  return [{ epoch, file: basename(path), isWhole: true, bytes, checksum, record }, ...entries.slice(fileCount)];
}

function nameOf(epoch: number): string {
  return `${String(epoch).padStart(10, "0")}.arrow`;
}
