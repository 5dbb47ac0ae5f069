import type { Snapshot, StateFile } from "@sferic/operator";

/** What is remembered, as the core keeps it. */
export interface KeptState {
  /** Takes in a file that `write` made, after what had ended at `closedMs` is gone. */
  restore(path: string, closedMs?: number): Promise<void>;
  /** Writes all, or what this epoch changed, and syncs it; resolves to the bytes. */
  write(path: string, whole: boolean): Promise<number>;
}

/** What a snapshot says about itself. */
interface SnapshotRecord {
  readonly bytes: number;
  /** Watermark up to which windows are closed; null when none are. */
  readonly closedMs: number | null;
}

/** A chain of snapshots is begun anew when what changed since its first one is larger than that, or it gets this long. */
const chainMax = 100;

/** The snapshots of a state: a whole one, and after it what changed. */
export class StateFiles {
  #restored: readonly StateFile[] = [];
  /** Bytes of the snapshots that the next one adds to. */
  #chain: number[] = [];

  /** The files that {@link StateFiles.restoreInto} will read. */
  set restored(files: readonly StateFile[]) {
    this.#restored = files;
  }

  async restoreInto(state: KeptState): Promise<void> {
    for (const { path, record } of this.#restored) {
      const { bytes, closedMs } = record as unknown as SnapshotRecord;
      await state.restore(path, ...(closedMs === null ? [] : [closedMs]));
      this.#chain.push(bytes);
    }
    this.#restored = [];
  }

  /** Writes the state, or what changed in this epoch where that is less. */
  async write(state: KeptState, path: string, closedMs: number | null): Promise<Snapshot> {
    const [first = 0, ...changes] = this.#chain;
    const changed = changes.reduce((sum, bytes) => sum + bytes, 0);
    const isWhole = this.#chain.length === 0 || changed > first || this.#chain.length >= chainMax;
    const bytes = await state.write(path, isWhole);
    this.#chain = isWhole ? [bytes] : [...this.#chain, bytes];
    return { isWhole, record: { bytes, closedMs } satisfies SnapshotRecord };
  }
}
