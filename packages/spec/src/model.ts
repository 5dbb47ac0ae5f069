import type { Bounds, OutputMode } from "@sferic/operator";

/** A port of an operator that another one reads; `main` when the spec names none. */
export interface Reference {
  readonly operator: string;
  readonly port: string;
}

/** The event time of an operator's rows. Durations are texts such as `"10 seconds"`, see `parseDuration`. */
export interface WatermarkSpec {
  readonly column: string;
  /** How far behind the largest event time the watermark stays. */
  readonly delay: string;
  /** Rows stamped further ahead of the clock than this go to `invalid`. */
  readonly futureSkewMax?: string;
  /** A source that is silent for this long no longer holds the watermark back. */
  readonly idleAfter?: string;
}

/** One operator of a spec, with parameters filled in. */
export interface OperatorNode {
  readonly id: string;
  readonly kind: "source" | "transform" | "sink";
  readonly type: string;
  /** What it reads, by input name; `main` for the one unnamed input. Empty for a source. */
  readonly inputs: Readonly<Record<string, readonly Reference[]>>;
  /** The operator's own fields, not yet parsed by its schema; they are valid when the spec has no errors. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Sources only. */
  readonly bounds: Bounds;
  readonly watermark?: WatermarkSpec;
  /** Sinks only. */
  readonly outputMode?: OutputMode;
  /** Key in {@link PipelineSpec.connections}. */
  readonly connection?: string;
  /** A source that is read whole in every epoch, to look things up in. */
  readonly role?: "reference";
  /** JSON pointer of the operator in the spec. */
  readonly pointer: string;
}

/** When epochs run. */
export type Trigger = "once" | "available-now" | { readonly everyMs: number };

/** How a pipeline runs. The bounds hold for every source that sets none itself. */
export interface RunSpec extends Bounds {
  readonly trigger: Trigger;
  /** Folder as written, relative to the spec's file. */
  readonly checkpoint?: string;
  readonly seed: number;
  readonly onEnd: "hold" | "flush";
  /** Stop the run when a larger share of the input (0 to 1) is invalid. */
  readonly invalidRatioMax?: number;
  /** Bytes that relational work may hold before it spills. */
  readonly memoryBytesMax?: number;
  /** Folder for temporary files as written, relative to the spec's file. */
  readonly tempDirectory?: string;
}

export type ParameterType = "timestamp" | "date" | "integer" | "number" | "boolean" | "string";

/** A declared parameter and the value it has in this reading. */
export interface Parameter {
  readonly type: ParameterType;
  readonly description?: string;
  readonly default?: string | number | boolean;
  /** Times and dates are ISO 8601 texts as given. Undefined only when an issue says that it is missing or wrong. */
  readonly value?: string | number | boolean;
}

/** A cron expression of five fields and the IANA time zone it is meant in. */
export interface ScheduleSpec {
  readonly cron: string;
  readonly timeZone: string;
}

/** Rows by source, operator or `id.port`. */
export type TestRows = Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;

/** One epoch of a test. */
export interface TestEpoch {
  /** What the clock shows, RFC 3339. */
  readonly at?: string;
  /** Rows per source. */
  readonly given?: TestRows;
  /** Rows expected of this epoch per operator (`id` or `id.port`). */
  readonly expect?: TestRows;
}

/**
 * A test that the spec carries: rows given per source and expected per operator (`id` or `id.port`), of one epoch, or of
 * several, the rows expected being those of all of them then.
 */
export interface TestSpec extends TestEpoch {
  readonly name: string;
  readonly epochs?: readonly TestEpoch[];
}

/** A spec that was read without errors. */
export interface PipelineSpec {
  readonly name: string;
  readonly parameters: Readonly<Record<string, Parameter>>;
  /** Each has a `type`; the rest is the connection's own. */
  readonly connections: Readonly<Record<string, Readonly<Record<string, unknown>> & { readonly type: string }>>;
  /** In document order. */
  readonly operators: readonly OperatorNode[];
  readonly run: RunSpec;
  readonly plugins: readonly string[];
  readonly schedule?: ScheduleSpec;
  readonly tests?: readonly TestSpec[];
}
