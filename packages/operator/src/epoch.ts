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

/** The event time that an operator upstream declares for its rows. */
export interface EventTime {
  /** A timestamp column of that operator's rows. */
  readonly column: string;
  /** How far the watermark stays behind the largest one, in milliseconds. */
  readonly delayMs: number;
}

/** How far event time has got for the inputs of an operator. Milliseconds since 1970. */
export interface Watermark {
  /** A window that ends here or before is complete. */
  readonly nowMs: number;
  /** A row all of whose windows end here or before is late: the watermark of the epoch before. */
  readonly lateMs: number;
}

/** What is the same however often an epoch is computed: it is in the intent record. */
export interface Epoch {
  /** 0, 1, 2 … */
  readonly id: number;
  /** Wall clock when the epoch was first planned, milliseconds since 1970; never goes back between epochs. */
  readonly timeMs: number;
  /** For every random choice inside the epoch. */
  readonly seed: number;
  /** Absent where nothing upstream declares an event time. */
  readonly watermark?: Watermark;
  /** Aborted when the run is given up. */
  readonly signal: AbortSignal;
}
