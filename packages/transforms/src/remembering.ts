import { totalmem } from "node:os";
import { OperatorError, type Snapshot, type StateFile, type StateSize } from "@sferic/operator";
import { z } from "zod";
import { type KeptState, StateFiles } from "./state-files.ts";

/** Configuration of how much an operator may remember. */
export const stateBytesMaxField = z
  .int()
  .min(1)
  .optional()
  .describe(
    "Bytes of memory that what is kept from epoch to epoch may take; more ends the run. Half of the machine's memory by default.",
  );

/** Whose memory it is, and how much it may be. */
export interface MemoryLimit {
  readonly operatorId: string;
  /** Half of the machine's memory when undefined. */
  readonly stateBytesMax: number | undefined;
  /** What is kept, for people; groups when absent. */
  readonly what?: string;
  /** What would make it less, for people. */
  readonly advice: string;
}

/** A transform that remembers from epoch to epoch: its snapshots, and the limit of its memory. */
export abstract class Remembering<State extends KeptState> {
  /** Watermark up to which windows are closed; null when none are. */
  protected closedMs: number | null = null;
  /** Whether the epoch has changed anything. */
  protected hasChanged = false;
  readonly #limit: MemoryLimit;
  readonly #files = new StateFiles();
  #state: State | undefined;

  constructor(limit: MemoryLimit) {
    this.#limit = limit;
  }

  restore(files: readonly StateFile[]): Promise<void> {
    this.#files.restored = files;
    return Promise.resolve();
  }

  async snapshot(path: string): Promise<Snapshot | null> {
    if (this.#state === undefined || !this.hasChanged) return null;
    return this.#files.write(this.#state, path, this.closedMs);
  }

  stateSize(): StateSize | null {
    if (this.#state === undefined) return null;
    const { groups, bytes, open } = this.#state.size();
    return { groups, bytes, ...(open === undefined ? {} : { open }) };
  }

  close(): Promise<void> {
    return this.#files.close();
  }

  /** What is remembered, at the beginning of an epoch; made by `create` in the first one. */
  protected async begin(create: () => State): Promise<State> {
    if (this.#state === undefined) {
      const state = create();
      await this.#files.restoreInto(state);
      this.#state = state;
    }
    await this.#state.settle();
    this.hasChanged = false;
    this.requireRoom();
    return this.#state;
  }

  /** Throws `state-too-large` when it remembers more than it may. To be called whenever it has grown. */
  protected requireRoom(): void {
    const { operatorId, stateBytesMax = defaultBytesMax, what = "groups", advice } = this.#limit;
    const { groups, bytes } = this.#state!.size();
    if (bytes <= stateBytesMax) return;
    const message = `"${operatorId}" keeps ${groups.toLocaleString("en")} ${what} in ${megabytes(bytes)} of memory, and its stateBytesMax is ${megabytes(stateBytesMax)}. ${advice} Or let it have more with stateBytesMax; a run on the same checkpoint then goes on.`;
    throw new OperatorError({
      code: "state-too-large",
      message,
      operatorId,
      details: { groups, bytes, stateBytesMax },
    });
  }
}

/** Half of the memory that this process can have. */
const defaultBytesMax = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY) / 2;

function megabytes(bytes: number): string {
  return `${Number((bytes / 1e6).toPrecision(3)).toLocaleString("en")} MB`;
}
