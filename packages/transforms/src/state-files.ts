import type { Snapshot, StateFile, StateSize, WrittenFile } from "@sferic/operator";

/** What is remembered, as the core keeps it. */
export interface KeptState {
  size(): StateSize & { readonly changed: number };
  /** Begins an epoch: nothing has changed yet. */
  settle(): void | Promise<void>;
  /** Takes in a file that `write` or `compact` made, after what had ended at `closedMs` is gone. */
  restore(path: string, closedMs?: number): Promise<void>;
  /** Writes all, or what this epoch changed, and syncs it. */
  write(path: string, whole: boolean): Promise<WrittenFile>;
  /** Writes one whole file in the place of a chain of them, while the state goes on. */
  compact?(files: readonly ChainFile[], path: string): Promise<WrittenFile>;
}

/** A file of a chain. */
interface ChainFile {
  readonly path: string;
  readonly bytes: number;
  /** Watermark up to which windows are closed; null when none are. */
  readonly closedMs: number | null;
}

/** What a snapshot says about itself. */
type SnapshotRecord = Pick<ChainFile, "bytes" | "closedMs">;

/** A chain of files is begun anew when what changed since its first one is larger than that, or it gets this long. */
const chainMax = 100;

/** A state of so many groups is written whole within an epoch; it takes some milliseconds. */
const groupsAtOnceMax = 16_384;

/** A whole file in the making. */
interface Compaction {
  readonly fileCount: number;
  /** Never rejects. */
  readonly ended: Promise<void>;
  base?: Snapshot["base"] & ChainFile;
  failure?: { readonly thrown: unknown };
}

/**
 * The snapshots of a state: a whole one, and after it what changed. The whole one of a large state is made of the files of
 * before, beside the run; it counts from the snapshot after its end, and until then its chain goes on. Call `close` at the end.
 */
export class StateFiles {
  #restored: readonly StateFile[] = [];
  /** The files that the next one adds to. */
  #chain: readonly ChainFile[] = [];
  #compaction: Compaction | null = null;

  /** The files that {@link StateFiles.restoreInto} will read. */
  set restored(files: readonly StateFile[]) {
    this.#restored = files;
  }

  async restoreInto(state: KeptState): Promise<void> {
    for (const { path, record } of this.#restored) {
      const { bytes, closedMs } = record as unknown as SnapshotRecord;
      await state.restore(path, ...(closedMs === null ? [] : [closedMs]));
      this.#chain = [...this.#chain, { path, bytes, closedMs }];
    }
    this.#restored = [];
  }

  /** Writes the state, or what changed in this epoch where that is less. */
  async write(state: KeptState, path: string, closedMs: number | null): Promise<Snapshot> {
    const base = await this.#takeBase();
    const isWhole = this.#isWhole(state);
    const file = await state.write(path, isWhole);
    const written: ChainFile = { path, bytes: file.bytes, closedMs };
    this.#chain = isWhole ? [written] : [...this.#chain, written];
    if (isWhole) await this.close();
    else if (this.#isDue() && !isSmall(state) && this.#compaction === null)
      this.#compaction = this.#compact(state, path, closedMs);
    const record = { bytes: file.bytes, closedMs } satisfies SnapshotRecord;
    return { ...file, isWhole, record, ...(base === undefined || isWhole ? {} : { base }) };
  }

  /** Waits for what is written beside the run; it does not count any more. */
  async close(): Promise<void> {
    await this.#compaction?.ended;
    this.#compaction = null;
  }

  #isWhole(state: KeptState): boolean {
    if (this.#chain.length === 0) return true;
    const { groups, changed } = state.size();
    return changed * 2 >= groups || (isSmall(state) && this.#isDue());
  }

  #isDue(): boolean {
    const [first, ...changes] = this.#chain;
    const changed = changes.reduce((sum, { bytes }) => sum + bytes, 0);
    return changed > first!.bytes || this.#chain.length >= chainMax;
  }

  #compact(state: KeptState, newest: string, closedMs: number | null): Compaction {
    const path = newest.replace(/(\.arrow)?$/, ".whole.arrow");
    const fileCount = this.#chain.length;
    const compaction: Compaction = {
      fileCount,
      ended: state.compact!(this.#chain, path).then(
        (file) => {
          const record = { bytes: file.bytes, closedMs } satisfies SnapshotRecord;
          compaction.base = { ...file, path, closedMs, record, fileCount };
        },
        (thrown: unknown) => void (compaction.failure = { thrown }),
      ),
    };
    return compaction;
  }

  /** The whole file that has been made, if it is complete. A chain that is twice as long as it should be waits for it. */
  async #takeBase(): Promise<Compaction["base"]> {
    if (this.#chain.length >= 2 * chainMax) await this.#compaction?.ended;
    const { base, failure } = this.#compaction ?? {};
    if (failure !== undefined) throw failure.thrown;
    if (base === undefined) return undefined;
    this.#compaction = null;
    this.#chain = [base, ...this.#chain.slice(base.fileCount)];
    return base;
  }
}

/** Whether it is written whole within an epoch. */
function isSmall(state: KeptState): boolean {
  return state.compact === undefined || state.size().groups <= groupsAtOnceMax;
}
