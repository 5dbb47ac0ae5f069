/** JSON as it can be stored in a checkpoint record. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A position in a source, meaningful to that source only. Survives JSON unchanged. */
export type Offset = Json;

/** How much one epoch may read from one source; absent means no bound. */
export interface Bounds {
  readonly filesPerEpoch?: number;
  readonly rowsPerEpoch?: number;
  readonly bytesPerEpoch?: number;
}

/** What is the same however often an epoch is computed: it is in the intent record. */
export interface Epoch {
  /** 0, 1, 2 … */
  readonly id: number;
  /** Wall clock when the epoch was first planned, milliseconds since 1970; never goes back between epochs. */
  readonly timeMs: number;
  /** For every random choice inside the epoch. */
  readonly seed: number;
  /** Aborted when the run is given up. */
  readonly signal: AbortSignal;
}
