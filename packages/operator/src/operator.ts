import type { Table } from "apache-arrow";
import { z } from "zod";
import type { Batch } from "./batch.ts";
import type { Bounds, Epoch, EventTime, Json, Offset } from "./epoch.ts";
import { column, Schema } from "./schema.ts";
import type { TempDirectory } from "./temp-directory.ts";

/** Kinds of things a catalog holds. */
export type OperatorKind = "source" | "transform" | "sink" | "format";

/** Schemas per output port; a null schema is not known before data is read. */
export type PortSchemas = Readonly<Record<string, Schema | null>>;

/** Rows for a port other than `main`. */
export interface PortOutput {
  readonly port: string;
  readonly batch: Batch | Table;
}

/** What an operator yields: rows for its main port, or {@link PortOutput}. */
export type Output = Batch | Table | PortOutput;

/** Sends rows to a named port. */
export function port(name: string, batch: Batch | Table): PortOutput {
  return { port: name, batch };
}

/** Input that could not become rows: goes to the source's `invalid` port or, if none is connected, to the dead letters. */
export interface InvalidInput {
  readonly invalid: {
    /** File name, or other name of the piece of input. */
    readonly name: string;
    readonly reason: string;
    /** Byte offset, line or message offset; null when unknown. */
    readonly position: number | null;
    /** True when the rest of the piece became rows: reading all of it again would double those. */
    readonly isPart?: true;
    /** The row on the port `invalid` of a source that declares columns of its own there, as JSON that `rowsOf` makes. */
    readonly values?: Readonly<Record<string, Json>>;
  };
}

/** A piece of input that could not become rows, named as in its {@link InvalidInput}. */
export interface LostPiece {
  readonly name: string;
  /** End offset of the epoch that read it. */
  readonly end: Offset;
}

/** What a source offers when it is asked for lost pieces again. */
export interface Replay {
  /** Offset whose range is the pieces, as they are now; null when none is left to read. */
  readonly end: Offset | null;
  /** Why a piece is not in the range, by its index. */
  readonly left: Readonly<Record<number, string>>;
}

/** Tells that so many more bytes of input were taken. */
export interface InputRead {
  readonly bytesRead: number;
}

/** Columns of a source's `invalid` port. */
export const invalidSchema: Schema = new Schema([
  column("name", "utf8"),
  column("reason", "utf8"),
  column("position", "int64", { nullable: true }),
]);

/**
 * What every wanted row fulfils, in SQL's sense: `column comparison values`. Values are literals as text: numbers in
 * decimal or scientific notation, dates and times in UTC as ISO 8601, text as it is; one value, several for `in`, none
 * for nulls. NaN is greater than every number.
 */
export interface Condition {
  readonly column: string;
  readonly comparison: "<" | "<=" | ">" | ">=" | "in" | "is-null" | "is-not-null";
  readonly values: readonly string[];
}

/** What the pipeline needs of a source's rows. To leave nothing out is always right. */
export interface ReadRequest {
  /** Columns of `main` as planned, all of them; absent when only the data will tell. */
  readonly schema?: Schema;
  /** Names of the columns that somebody reads, in the order of the schema, at least one; absent for all. */
  readonly columns?: readonly string[];
  /** A row for which one of these is false or null may be left out. */
  readonly conditions: readonly Condition[];
}

/** Which rows of a result that grows from epoch to epoch come out in an epoch: finished ones, changed ones, or all. */
export type OutputMode = "append" | "update" | "complete";

/** What a source or sink needs to know of the outside system that a spec's `connection` names. */
export interface ConnectionDeclaration {
  /** `type` of the connection. */
  readonly type: string;
  /** Its other fields. A secret is a {@link secretField}. */
  readonly config: z.ZodType;
}

/** The connection of an operator in a run. */
export interface Connection {
  /** Key in the spec's `connections`, for messages. */
  readonly name: string;
  /** As {@link ConnectionDeclaration.config} gives it, with the secrets in the place of what names them. */
  readonly config: unknown;
}

/** Reports what does not end a run: a code, one sentence, and the field of the configuration as a JSON pointer. */
export type Warn = (code: string, message: string, pointer?: string) => void;

/** What operators get from whoever runs them. */
export interface OperatorContext {
  /** Pipeline name, as in the spec. */
  readonly pipeline: string;
  readonly operatorId: string;
  /** Whether a checkpoint survives this run. Without one a sink replaces its own earlier output instead of adding to it. */
  readonly durable: boolean;
  /** Whether input comes in more than one epoch; false when absent. For a source that is read whole in each it is not. */
  readonly isEndless?: boolean;
  /** Absent where nobody listens. */
  readonly warn?: Warn;
  /** Names one history of epochs: the checkpoint, or this run when it has none. What a ledger is keyed by. */
  readonly history: string;
  /** Bytes that relational work may hold before it spills to disk; the core's own limit when the spec sets none. */
  readonly memoryBytesMax?: number;
  /** Folder below which relational work spills; the system's folder for temporary files when absent. */
  readonly tempDirectory?: TempDirectory;
  /** As of {@link PlanContext}. */
  readonly wideSums?: boolean;
  /** Whether what an operator downstream gives depends on the order of this one's rows, which must then be the same in every run. */
  readonly keepsOrder?: boolean;
  /** Mode of this sink, or of the sinks that read this transform; `append` when absent. */
  readonly outputMode?: OutputMode;
  /** What the rows of a transform are late by; absent where nothing upstream declares it. */
  readonly eventTime?: EventTime;
  /** Folder that belongs to this operator until the run ends (or until the epoch commits, with a checkpoint). */
  readonly scratchDirectory: string;
  /** For sources; absent for other operators. */
  readonly request?: ReadRequest;
  /** For operators that declare one. */
  readonly connection?: Connection;
  /** A path of the spec made absolute: relative ones count from the spec's file. */
  resolvePath(path: string): string;
  /** The format that a `format` field names. */
  format(config: { readonly type: string }): Promise<Format>;
}

/** How the rows of an operator come and go, in a pipeline. */
export interface Streaming {
  /** Mode of the sinks that read the operator. */
  readonly outputMode: OutputMode;
  /** Absent where nothing upstream declares it. */
  readonly eventTime?: EventTime;
  /** Whether input comes in more than one epoch. */
  readonly isEndless: boolean;
  /** By the name of the input. */
  readonly inputs: Readonly<Record<string, InputStream>>;
}

/** How the rows of one input come, in a pipeline. */
export interface InputStream {
  /** Whether each row comes once, instead of all rows in every epoch. */
  readonly isStream: boolean;
  /** Absent where nothing upstream of this input declares it. */
  readonly eventTime?: EventTime;
}

/** What `output` may ask while a plan is made. */
export interface PlanContext {
  /** Whether files and connections may be opened to learn a schema; false for `check --level static`. */
  readonly probe: boolean;
  /** Columns that `main` of this source had when its checkpoint began: what is not declared stays as it was found then. */
  readonly pinned?: Schema;
  /** Says that these columns of `main` are not declared anywhere but found in the input: a checkpoint keeps them. */
  readonly pin?: (schema: Schema) => void;
  /** Absent where nobody listens. */
  readonly warn?: Warn;
  /** For transforms in a pipeline. */
  readonly streaming?: Streaming;
  /** Whether sums of integers are decimal128(38, 0), as the checkpoint began with them, and not int64. */
  readonly wideSums?: boolean;
  resolvePath(path: string): string;
  format(config: { readonly type: string }): Promise<Format>;
}

/** An example in the generated reference. It runs in the conformance suite. */
export interface Example {
  readonly title: string;
  readonly config: Readonly<Record<string, Json>>;
  /** Name of a test data set: `glm-minute` (flashes of one minute), `blobs`, `nested-clicks`, `empty`. Every input gets it. */
  readonly data?: string;
  /** Names of the inputs, for an operator that takes any. */
  readonly inputs?: readonly string[];
}

interface Declaration<C extends z.ZodType> {
  /** Kebab-case; also the name of the file that holds it. */
  readonly type: string;
  /** First version that had it. */
  readonly since: string;
  readonly status: "experimental" | "stable" | "deprecated";
  /** One sentence. */
  readonly summary: string;
  readonly config: C;
  /** Error codes it can end a run with, beside the general ones. */
  readonly errors: readonly string[];
  readonly examples: readonly Example[];
}

/** An input that is not there. */
export interface MissingInput {
  /** What is missing, as in "There is no …": a path, with what it should be. */
  readonly place: string;
  /** Field that names it, a JSON pointer into the configuration. */
  readonly pointer: string;
  /** As the configuration says it; see {@link missingInputField}. */
  readonly onMissingInput: "stop" | "wait" | undefined;
}

/** Field `onMissingInput` of sources that say what is {@link SourceDefinition.missing}. */
export const missingInputField = z
  .enum(["stop", "wait"])
  .optional()
  .describe(
    "What a run does when that is not there: it ends with `missing-input`, or waits for it. By default it waits with an interval trigger, so that pipelines that feed each other start in any order, and stops with others.",
  );

/** Offset of nothing read yet is null. A source replays any range it ever offered, bit for bit, or fails. */
export interface Source {
  /** `history` holds the end offsets of all earlier epochs, oldest first. */
  open?(history: readonly Offset[]): Promise<void>;
  /** The newest offset within the bounds, counted from `previous` and never past `until`; null when there is nothing new. */
  latestOffset(previous: Offset | null, bounds: Bounds, until?: Offset): Promise<Offset | null>;
  /** The rows after `start` up to and including `end`. */
  read(start: Offset | null, end: Offset, epoch: Epoch): AsyncIterable<Output | InvalidInput | InputRead>;
  /**
   * Offers pieces that could not become rows once more, in a range that follows `previous`. Absent in a source that
   * cannot read a single piece.
   */
  replay?(pieces: readonly LostPiece[], previous: Offset | null): Promise<Replay>;
  /** The epoch that ended at `end` is committed. May be called again for the same offset. */
  acknowledge?(end: Offset): Promise<void>;
  close?(): Promise<void>;
}

/**
 * Rows per input name; `main` for an operator with one unnamed input. One of several inputs whose columns are known has at
 * least one batch, which may be without rows.
 */
export type Inputs = Readonly<Record<string, AsyncIterable<Batch>>>;

/** A file of what an operator remembers, with what it wants to know when it reads it. */
export interface StateFile {
  readonly path: string;
  readonly record: Json;
}

/** A file that is complete and on disk. */
export interface WrittenFile {
  readonly bytes: number;
  /** `crc32:` and eight hex digits, over the bytes of the file. */
  readonly checksum: string;
}

/** What `snapshot` wrote. */
export interface Snapshot extends WrittenFile {
  /** Whether the file is all there is to know; if not, it tells what changed since the file before. */
  readonly isWhole: boolean;
  readonly record: Json;
  /** A whole file that was made beside the run: it takes the place of the first `fileCount` files of before. */
  readonly base?: WrittenFile & StateFile & { readonly fileCount: number };
}

/** How much an operator remembers. */
export interface StateSize {
  /** Groups, keys or rows. */
  readonly groups: number;
  /** Bytes of memory. */
  readonly bytes: number;
  /** When the first and the last of the open windows end, in milliseconds since 1970; absent when none is open. */
  readonly open?: { readonly oldestEndMs: number; readonly newestEndMs: number };
}

export interface Transform {
  /** All rows of one epoch. Closes what it takes and does not hand on. */
  apply(batches: AsyncIterable<Batch>, epoch: Epoch, inputs: Inputs): AsyncIterable<Output>;
  /** Whether an epoch without rows may have a result, once the watermark has moved. */
  readonly followsWatermark?: boolean;
  /** Writes what it remembers after the epoch that `apply` has just ended, durably; null when nothing has changed. */
  snapshot?(path: string): Promise<Snapshot | null>;
  /** Before the first `apply`: remembers what the files say, a whole one and those that followed it. */
  restore?(files: readonly StateFile[]): Promise<void>;
  /** How much it remembers after the epoch that `apply` has just ended; null for nothing. */
  stateSize?(): StateSize | null;
  close?(): Promise<void>;
}

/** What `stage` leaves behind, as stored in the prepared record. */
export interface Staged {
  readonly rows: number;
  /** Whatever `publish` needs to finish in another process. */
  readonly record: Json;
}

export interface Published {
  /** Files or tables that became visible, as a user would name them. */
  readonly files: readonly string[];
}

/** What a checkpoint says of the output of a sink, when it is opened. */
export interface OutputPast {
  /** Folder of the checkpoint, absolute; null for a run without one. */
  readonly checkpoint: string | null;
  /** Newest epoch that was begun, whether it is committed or not; null for none. */
  readonly newestEpoch: number | null;
  /** Newest committed epoch of which the sink has published rows; null for none. */
  readonly publishedEpoch: number | null;
  /** What the sink had staged for that epoch; null for none, and where it is no longer known. Absent: as null. */
  readonly publishedRecord?: Json | null;
  /** Whether the checkpoint follows one that was reset, which leaves it to the user what to do with the output. */
  readonly isReset: boolean;
  /** Whether sinks have marked their outputs ever since the checkpoint began. */
  readonly isFenced: boolean;
}

/** stage is invisible to readers; publish makes it visible and is harmless to repeat. */
export interface Sink {
  /** Before anything else. Throws `output-conflict` or `output-missing` when what is there is not what `past` says. */
  open?(past?: OutputPast): Promise<void>;
  /** Writes the epoch's rows where no reader sees them, durably. Null when there were no rows: nothing is left then. */
  stage(batches: AsyncIterable<Batch>, epoch: Epoch, inputs: Inputs): Promise<Staged | null>;
  publish(staged: Staged, epoch: Epoch): Promise<Published>;
  /** Removes whatever an unfinished `stage` of this epoch left, and any leftovers once the run is over. */
  discard?(epoch: number): Promise<void>;
  close?(): Promise<void>;
}

/** One file as a format sees it: on disk, or as bytes from an object store. */
export interface FileContent {
  /** Base name, as it appears in the `file` column and in dead letters. */
  readonly name: string;
  /** Absolute path, for a local file. */
  readonly path?: string;
  readonly byteLength: number;
  /** Columns whose value the file's place gives to all its rows, as text of the column's type or null. */
  readonly constants?: Readonly<Record<string, string | null>>;
  bytes(): Promise<Uint8Array>;
}

/** Size and checksum of a finished file. */
export interface FileSummary {
  readonly rows: number;
  readonly bytes: number;
  /** `xxh64:` and 16 hex digits, over the bytes of the file. */
  readonly checksum: string;
}

/** Writes one file. `finish` returns when the file is complete, verified and synced to disk. */
export interface FileWriter {
  /** Does not close the batch. */
  write(batch: Batch): Promise<void>;
  finish(): Promise<FileSummary>;
  /** Gives up and closes the file; the caller removes it. */
  abort(): void;
}

/** Messages of a topic, each of them one document of a format. Whoever made them closes them. */
export interface Messages {
  readonly count: number;
  /** Bytes that they take in memory. */
  readonly byteLength: number;
  /** A copy of what the message holds; null for one without a value, as one has that deletes its key. */
  payload(index: number): Uint8Array | null;
}

/** What messages were decoded to. */
export interface DecodedMessages {
  readonly rows: Batch;
  /** The message of each row, by its index, ascending; absent when every message gave one row. */
  readonly taken?: Uint32Array;
  /** Messages that gave no row, by their index, ascending. */
  readonly invalid: readonly { readonly index: number; readonly reason: string }[];
}

/** A file format: reads, writes, or both. */
export interface Format {
  /** File name ending without the dot. */
  readonly ending: string;
  /** Schema known from the configuration alone. */
  readonly schema?: Schema;
  /** Schema of one file, read from its header. */
  probe?(file: FileContent): Promise<Schema>;
  /**
   * Rows of the files, in order. A file that cannot be decoded gives one {@link InvalidInput} and no rows. Of the
   * `request` a format keeps what it can.
   */
  decode?(
    files: readonly FileContent[],
    signal: AbortSignal,
    request?: ReadRequest,
  ): AsyncIterable<Batch | InvalidInput>;
  /**
   * Whether `decode` keeps within bounded memory however many files it is given, puts all of them into the columns of
   * the request, and repeats the files' `constants` in their rows.
   */
  readonly readsManyFiles?: boolean;
  /**
   * Rows of messages that are one document each, in their order, with the columns of `schema`. One that cannot be decoded is
   * in `invalid`, alone; so is one without a value. Absent where single messages cannot be decoded, or where that needs a
   * `schema` and there is none.
   */
  decodeMessages?(messages: Messages, signal: AbortSignal): Promise<DecodedMessages>;
  /**
   * Starts a file; whatever an earlier attempt left at `path` is replaced. With `continues` the file's bytes are to follow
   * those of another with the same columns, for a format that can.
   */
  createWriter?(path: string, schema: Schema, continues?: boolean): Promise<FileWriter>;
  /** Whether the bytes of a file and then those of one that continues it are a file too. */
  readonly canContinue?: boolean;
  /**
   * How the rows of a written file are told apart without decoding them: a line break ends each, or its length stands before
   * it (4 bytes, little-endian). Absent where they cannot.
   */
  readonly rowFraming?: "newline" | "length";
}

export interface SourceDefinition<C extends z.ZodType = z.ZodType> extends Declaration<C> {
  readonly kind: "source";
  /** Absent where it needs none. */
  readonly connection?: ConnectionDeclaration;
  /** Fields with other values of which the offsets of before mean nothing. */
  readonly positionFields?: readonly string[];
  /** Bounds that `latestOffset` keeps; a spec that sets another one is refused. Absent: nothing is said about that. */
  bounds?(config: z.output<C>): readonly (keyof Bounds)[];
  output(config: z.output<C>, context: PlanContext): PortSchemas | Promise<PortSchemas>;
  /** What the configuration names and is not there, as far as a look tells; null when all is. Absent: nothing is said about that. */
  missing?(config: z.output<C>, context: Pick<PlanContext, "resolvePath">): Promise<MissingInput | null>;
  /** What is worth knowing of how the input was taken up to an offset, in sentences, for `why`. */
  remarks?(offset: Offset): readonly string[];
  create(config: z.output<C>, context: OperatorContext): Source;
}

export interface TransformDefinition<C extends z.ZodType = z.ZodType> extends Declaration<C> {
  readonly kind: "transform";
  /** `batch` operators stream; `epoch` operators see all rows of the epoch before they answer. */
  readonly needs: "batch" | "epoch";
  /**
   * Names of the inputs, with their meaning; absent for one unnamed input. `any`: as many as the spec gives, under the names
   * it gives them, or under what they read where it gives a list.
   */
  readonly inputs?: Readonly<Record<string, string>> | "any";
  /** Inputs that a spec may leave unconnected. */
  readonly optionalInputs?: readonly string[];
  /** Names of the ports beside `main`, with their meaning. */
  readonly ports?: Readonly<Record<string, string>>;
  /**
   * Called with known schemas only. A port that is left out can have no rows, and nobody may read it; one of which only the data
   * will tell the columns is null. Throws `ConfigError` for what is wrong with the configuration.
   */
  output(
    inputs: Readonly<Record<string, Schema>>,
    config: z.output<C>,
    context: PlanContext,
  ): PortSchemas | Promise<PortSchemas>;
  /**
   * Names of the columns of each input without which the `wanted` columns of the output cannot be computed. Absent, and
   * for an input that is left out: all. Called with known schemas only; the rows that come have at least these columns.
   */
  reads?(
    inputs: Readonly<Record<string, Schema>>,
    config: z.output<C>,
    wanted: readonly string[],
  ): Readonly<Record<string, readonly string[]>>;
  /** Modes beside `append` that its result can have; absent when it hands on what its inputs have. */
  outputModes?(config: z.output<C>): readonly OutputMode[];
  /**
   * Whether its result depends on the order of its rows in more than its own order; true when absent for `epoch` operators,
   * false for `batch` ones.
   */
  dependsOnOrder?(config: z.output<C>): boolean;
  /** Fields that bound what it may hold: a change of them fits whatever it remembers. */
  readonly limitFields?: readonly string[];
  /**
   * For how long rows of its inputs wait for others of later epochs, in milliseconds: the event times of its result may be
   * that far behind the watermark. Absent or undefined when rows meet within an epoch only.
   */
  meetsWithinMs?(config: z.output<C>): number | undefined;
  /**
   * What users may miss where the rows of a stream come in several epochs, of which it sees one at a time, with what to do
   * about it; undefined for nothing. `eventTime` is absent where nothing upstream declares it.
   */
  missesAcrossEpochs?(config: z.output<C>, eventTime: EventTime | undefined): string | undefined;
  /** For one unnamed input: a row for which one of these is false or null leaves no trace in any output. */
  keeps?(inputs: Readonly<Record<string, Schema>>, config: z.output<C>): readonly Condition[];
  create(config: z.output<C>, context: OperatorContext): Transform;
}

/** How often a row can become visible when a run is killed and started again on its checkpoint. */
export type Delivery = "exactly-once" | "at-least-once";

/** A file, folder or table that a sink writes. */
export interface SinkOutput {
  /** Absolute. */
  readonly path: string;
  /** What of it, such as a table; all of it when absent. */
  readonly part?: string;
  /** Sinks that say the same may write to it together; absent when no other sink may. */
  readonly sharedBy?: string;
  /** Field that names it, a JSON pointer into the configuration. */
  readonly pointer: string;
}

export interface SinkDefinition<C extends z.ZodType = z.ZodType> extends Declaration<C> {
  readonly kind: "sink";
  /** Absent where it needs none. */
  readonly connection?: ConnectionDeclaration;
  /** As of a transform. */
  readonly inputs?: Readonly<Record<string, string>>;
  readonly optionalInputs?: readonly string[];
  /** The guarantee with a checkpoint, and one sentence why. */
  readonly delivery: { readonly guarantee: Delivery; readonly why: string };
  /** Modes that it can hold beside `append`; none when absent. */
  outputModes?(config: z.output<C>): readonly OutputMode[];
  /** What it writes on this machine, so that two sinks of a pipeline do not replace each other's rows. Absent: nothing is said about that. */
  outputs?(config: z.output<C>, context: Pick<PlanContext, "resolvePath">): readonly SinkOutput[];
  /** Throws `ConfigError` when the input's columns do not suit. Called with known schemas only. */
  accept?(inputs: Readonly<Record<string, Schema>>, config: z.output<C>, context: PlanContext): void | Promise<void>;
  create(config: z.output<C>, context: OperatorContext): Sink;
}

/** What a format is given beside its configuration. */
export interface FormatContext {
  /** As of {@link PlanContext}. */
  resolvePath(path: string): string;
}

export interface FormatDefinition<C extends z.ZodType = z.ZodType> extends Declaration<C> {
  readonly kind: "format";
  /** Without a context, paths count from the working directory. Throws `ConfigError` for what is wrong with a file it names. */
  create(config: z.output<C>, context?: FormatContext): Format;
}

export type Definition = SourceDefinition | TransformDefinition | SinkDefinition | FormatDefinition;

/** A source; `kind` is filled in. */
export function defineSource<C extends z.ZodType>(declared: Omit<SourceDefinition<C>, "kind">): SourceDefinition<C> {
  return { kind: "source", ...declared };
}

/** A transform; `kind` is filled in. */
export function defineTransform<C extends z.ZodType>(
  declared: Omit<TransformDefinition<C>, "kind">,
): TransformDefinition<C> {
  return { kind: "transform", ...declared };
}

/** A sink; `kind` is filled in. */
export function defineSink<C extends z.ZodType>(declared: Omit<SinkDefinition<C>, "kind">): SinkDefinition<C> {
  return { kind: "sink", ...declared };
}

/** A file format; `kind` is filled in. */
export function defineFormat<C extends z.ZodType>(declared: Omit<FormatDefinition<C>, "kind">): FormatDefinition<C> {
  return { kind: "format", ...declared };
}
