import { createHash } from "node:crypto";
import { decodeWhole, encodeRecord, TornRecord } from "./records.ts";

/** Whose a file of dead letters is. */
export interface LettersOwner {
  readonly epoch: number;
  /** Id of the checkpoint, or of the run where it has none. */
  readonly lineage: string;
}

interface Heading {
  readonly letters: number;
  /** SHA-256 of what follows, as hex. */
  readonly sha256: string;
}

/** Text of a file of dead letters: a record that says whose they are, with a checksum over them, then a line each. */
export function encodeLetters(letters: readonly object[], { epoch, lineage }: LettersOwner): string {
  const lines = letters.map((letter) => `${JSON.stringify(letter)}\n`).join("");
  const heading: Heading = { letters: letters.length, sha256: digest(lines) };
  return encodeRecord(heading, { kind: "dead-letters", epoch, lineage, before: null }) + lines;
}

/**
 * The lines of a file of dead letters, and how many lines come before them: older files have no heading.
 * A null owner is any. Throws {@link TornRecord}.
 */
export function decodeLetters(
  text: string,
  { epoch, lineage }: { readonly epoch: number | null; readonly lineage: string | null },
): { readonly lines: string; readonly skipped: number } {
  if (!text.startsWith('{"checksum"')) return { lines: text, skipped: 0 };
  const end = text.indexOf("\n") + 1;
  const { of, record } = decodeWhole<Heading>(text.slice(0, end));
  const lines = text.slice(end);
  if (of?.kind !== "dead-letters" || digest(lines) !== record.sha256) {
    throw new TornRecord("The dead letters do not match their checksum.");
  }
  if (epoch !== null && of.epoch !== epoch) {
    throw new TornRecord(`The dead letters belong to epoch ${of.epoch}, not to epoch ${epoch}.`);
  }
  if (lineage !== null && of.lineage !== lineage)
    throw new TornRecord("The dead letters belong to another checkpoint.");
  return { lines, skipped: 1 };
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
