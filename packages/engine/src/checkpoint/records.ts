import { createHash } from "node:crypto";
import type { Json, Offset, Staged, Watermark } from "@sferic/operator";
import type { OperatorCounts, PhaseSeconds } from "../result.ts";
import type { EventTimes } from "../watermarks.ts";
import type { StateEntries, StateReports } from "./states.ts";

/** What an epoch will read; written before anything is read. */
export interface Intent {
  readonly epoch: number;
  readonly timeMs: number;
  readonly seed: number;
  /** Per source the range (start, end]. */
  readonly sources: Readonly<Record<string, { readonly start: Offset | null; readonly end: Offset }>>;
  /** Per source that is read whole in every epoch, the end of what it held. */
  readonly references?: Readonly<Record<string, Offset>>;
  /** Per operator downstream of a declared event time. */
  readonly watermarks?: Readonly<Record<string, Watermark>>;
  /** Dead letters of earlier epochs whose input this one reads again; they go when it is committed. */
  readonly replays?: readonly ReplayedLetter[];
}

/** Names the dead letters of one piece of input. */
export interface ReplayedLetter {
  readonly epoch: number;
  readonly source: string;
  readonly name: string;
}

/** What a sink has staged, and which kind of sink can publish it. */
export interface PreparedSink extends Staged {
  readonly type: string;
}

/** What every sink has staged; from here on the epoch is never computed again. */
export interface Prepared extends EventTimes {
  readonly epoch: number;
  readonly sinks: Readonly<Record<string, PreparedSink | null>>;
  readonly operators: Readonly<Record<string, OperatorCounts>>;
  /** What operators remember from here on. */
  readonly states?: StateEntries;
  /** How much that is. */
  readonly stateSizes?: StateReports;
}

/** The epoch is visible in every sink. */
export interface Committed {
  readonly epoch: number;
  readonly sinks: Readonly<Record<string, { readonly rows: number; readonly files: readonly string[] }>>;
  readonly operators: Readonly<Record<string, OperatorCounts>>;
  readonly seconds: PhaseSeconds;
  /** How much operators remember from here on. */
  readonly stateSizes?: StateReports;
}

/** What a record says of itself, so that it is taken in its own place only. */
export interface RecordOrigin {
  /** `intent`, `prepared`, `committed`, or what else a file with a record is. */
  readonly kind: string;
  readonly epoch: number;
  /** Id of the checkpoint. */
  readonly lineage: string;
  /** Link of the record that was written before it; null for the first one, and for what follows none. */
  readonly before: string | null;
  /** Of a commit: link of the intent of its epoch, which it stands next to in a pack. */
  readonly intent?: string;
  /** Of an intent: how many times the checkpoint had got another spec. */
  readonly specs?: number;
  /** Of an intent: fingerprints of the columns that were pinned, by source. */
  readonly pinned?: Readonly<Record<string, string>>;
  /** Of a record that a repair wrote: link of the one in whose place it is. */
  readonly standsFor?: string;
}

/** A record as it stands in its file; `of` is null in what was written before records said whose they are. */
export interface DecodedRecord<T> {
  readonly of: RecordOrigin | null;
  readonly record: T;
  /** What the next record holds of this one. */
  readonly link: string;
}

/** A record that is not what was written: cut off, altered, or not JSON. */
export class TornRecord extends Error {
  override readonly name: string = "TornRecord";
}

/** Text of a record: one line of JSON with a SHA-256 over it and its origin. */
export function encodeRecord(record: object, of: RecordOrigin | null = null): string {
  const body = JSON.stringify(record);
  if (of === null) return `{"checksum":"${digest(body)}","record":${body}}\n`;
  const rest = `"of":${JSON.stringify(of)},"record":${body}`;
  return `{"checksum":"${digest(rest)}",${rest}}\n`;
}

/** Inverse of {@link encodeRecord}, without the origin; throws {@link TornRecord}. */
export function decodeRecord<T>(text: string): T {
  return decodeWhole<T>(text).record;
}

/** Inverse of {@link encodeRecord}; throws {@link TornRecord}. */
export function decodeWhole<T>(text: string): DecodedRecord<T> {
  const found = /^\{"checksum":"([0-9a-f]{64})",("of":.*|"record":(.*))\}\n$/s.exec(text);
  if (found === null) throw new TornRecord("The record is cut off or is not a record.");
  const [, checksum, rest, body] = found as unknown as [string, string, string, string | undefined];
  if (digest(body ?? rest) !== checksum) throw new TornRecord("The record does not match its checksum.");
  const { of = null, record } = JSON.parse(`{${rest}}`) as { of?: RecordOrigin; record: T };
  return { of, record, link: of?.standsFor ?? checksum };
}

/** SHA-256 of JSON with sorted keys, as hex. */
export function fingerprint(value: unknown): string {
  return digest(JSON.stringify(sorted(value as Json)));
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner as Json)]),
  );
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
