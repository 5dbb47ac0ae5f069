import { join } from "node:path";
import type { Json, StateFile, Transform } from "@sferic/operator";
import { makeDirectory, namesIn, remove, syncDirectory } from "@sferic/operator/durable-files";

/** A file of an operator's state: the epoch that wrote it, and what the operator says about it. */
export interface StateEntry {
  readonly epoch: number;
  readonly record: Json;
}

/** Per operator, the files that make up its state: a whole one, and those with what changed after it. */
export type StateEntries = Readonly<Record<string, readonly StateEntry[]>>;

/** The folder of a checkpoint with what operators remember: `state/<operator>/<epoch>.arrow`. */
export class States {
  readonly #directory: string;
  /** Of the newest epoch, and of the one before it. */
  #entries: StateEntries = {};
  #before: StateEntries = {};

  constructor(checkpoint: string) {
    this.#directory = join(checkpoint, "state");
  }

  /** Gives operators back what they remembered. */
  async restore(operators: ReadonlyMap<string, Transform>, entries: StateEntries): Promise<void> {
    [this.#before, this.#entries] = [entries, entries];
    for (const [id, transform] of operators) {
      const files = (entries[id] ?? []).map(({ epoch, record }): StateFile => ({
        path: this.#path(id, epoch),
        record,
      }));
      if (files.length > 0) await transform.restore?.(files);
    }
  }

  /** Writes what operators remember after an epoch; it is on disk when this resolves. */
  async write(operators: ReadonlyMap<string, Transform>, epoch: number): Promise<StateEntries> {
    const entries: Record<string, readonly StateEntry[]> = { ...this.#entries };
    for (const [id, transform] of operators) {
      if (transform.snapshot === undefined) continue;
      await makeDirectory(join(this.#directory, id));
      const snapshot = await transform.snapshot(this.#path(id, epoch));
      if (snapshot === null) continue;
      await syncDirectory(join(this.#directory, id));
      const { isWhole, record } = snapshot;
      entries[id] = [...(isWhole ? [] : (entries[id] ?? [])), { epoch, record }];
    }
    [this.#before, this.#entries] = [this.#entries, entries];
    return entries;
  }

  /** Removes files that neither the newest epoch nor the one before it needs. */
  async clean(): Promise<void> {
    for (const id of Object.keys(this.#entries)) {
      const needed = [...(this.#before[id] ?? []), ...this.#entries[id]!].map(({ epoch }) => nameOf(epoch));
      const oldest = needed.reduce((first, name) => (name < first ? name : first));
      const old = (await namesIn(join(this.#directory, id))).filter((name) => name < oldest);
      for (const name of old) await remove(join(this.#directory, id, name));
    }
  }

  #path(id: string, epoch: number): string {
    return join(this.#directory, id, nameOf(epoch));
  }
}

function nameOf(epoch: number): string {
  return `${String(epoch).padStart(10, "0")}.arrow`;
}
