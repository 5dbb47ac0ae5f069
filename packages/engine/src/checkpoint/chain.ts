import { type RecordKind, type RecordTypes } from "./layout.ts";
import { type DecodedRecord, decodeWhole, type RecordOrigin, TornRecord } from "./records.ts";

/** A record that is whole, and is not the one that belongs into its place. */
export class MisplacedRecord extends TornRecord {
  override readonly name = "MisplacedRecord";
  /** The record that is wrong: that which was looked at, or the one before it. */
  readonly kind: RecordKind;
  readonly epoch: number;

  constructor(kind: RecordKind, epoch: number, message: string) {
    super(message);
    this.kind = kind;
    this.epoch = epoch;
  }
}

/** Decodes a record and holds it against its place; `lineage` is null where it is not known. Throws {@link TornRecord}. */
export function decodeInPlace<K extends RecordKind>(
  text: string,
  kind: K,
  epoch: number,
  lineage: string | null,
): DecodedRecord<RecordTypes[K]> {
  const decoded = decodeWhole<RecordTypes[K]>(text);
  const problem = originProblem(decoded, kind, epoch, lineage);
  if (problem !== null) throw new MisplacedRecord(kind, epoch, problem);
  return decoded;
}

function originProblem(
  { of, record }: DecodedRecord<{ readonly epoch: number }>,
  kind: RecordKind,
  epoch: number,
  lineage: string | null,
): string | null {
  const own = { kind: of?.kind ?? kindOf(record), epoch: record.epoch, lineage: of?.lineage ?? lineage };
  if (own.lineage !== lineage && lineage !== null) return "The record belongs to another checkpoint.";
  if (own.kind !== kind) return `The record is of the kind "${own.kind}", in the place of "${kind}".`;
  return own.epoch === epoch ? null : `The record belongs to epoch ${own.epoch}, not to epoch ${epoch}.`;
}

/** The kind of a record that does not say it. */
function kindOf(record: object): RecordKind {
  if ("seconds" in record) return "committed";
  return "operators" in record ? "prepared" : "intent";
}

interface Taken {
  readonly kind: RecordKind;
  readonly epoch: number;
  readonly of: RecordOrigin | null;
  readonly link: string;
}

/**
 * Holds records against each other, in the order in which they were written: each names the one before it by its link.
 * Where one is missing or was skipped, the next is not compared.
 */
export class RecordChain {
  readonly #lineage: string | null;
  #last: Taken | null = null;
  #intent: Taken | null = null;

  /** `lineage` is null where it is not known. */
  constructor(lineage: string | null) {
    this.#lineage = lineage;
  }

  /** The next record, from its text. Throws {@link TornRecord}, as {@link MisplacedRecord} where it is another one. */
  next<K extends RecordKind>(text: string, kind: K, epoch: number): DecodedRecord<RecordTypes[K]> {
    const decoded = decodeInPlace(text, kind, epoch, this.#lineage);
    const { of, link } = decoded;
    this.#compare(of, kind, epoch);
    this.#last = { kind, epoch, of, link };
    if (kind === "intent") this.#intent = this.#last;
    return decoded;
  }

  #compare(of: RecordOrigin | null, kind: RecordKind, epoch: number): void {
    const last = this.#last;
    if (last === null) return;
    if (of === null) {
      if (last.of === null) return;
      throw new MisplacedRecord(kind, epoch, "The record is older than the one before it.");
    }
    const follows = last.epoch === epoch - (kind === "intent" ? 1 : 0) && last.kind === kindBefore[kind];
    if (follows && of.before !== last.link) throw misplaced(last, kind, epoch);
    const intent = this.#intent;
    if (kind === "committed" && intent?.epoch === epoch && of.intent !== undefined && of.intent !== intent.link) {
      throw misplaced(intent, kind, epoch);
    }
  }
}

const kindBefore = { intent: "committed", prepared: "intent", committed: "prepared" } as const;

function misplaced(wrong: Taken, kind: RecordKind, epoch: number): MisplacedRecord {
  const message = `The record is not the one that was written: the record "${kind}" of epoch ${epoch} follows another one.`;
  return new MisplacedRecord(wrong.kind, wrong.epoch, message);
}
