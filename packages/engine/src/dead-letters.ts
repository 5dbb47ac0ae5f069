import { glob } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type InvalidInput, OperatorError } from "@sferic/operator";
import { makeDirectory, remove, replaceDurably, textOf } from "@sferic/operator/durable-files";
import { isCheckpoint } from "./checkpoint/inspect.ts";
import { deadLetterFolder, identityPath } from "./checkpoint/layout.ts";
import { decodeLetters, encodeLetters } from "./checkpoint/letters-text.ts";
import { decodeRecord, type ReplayedLetter, TornRecord } from "./checkpoint/records.ts";

/** Input of one epoch that could not become rows and that no operator took. */
export interface DeadLetter {
  readonly epoch: number;
  /** Source that read it. */
  readonly source: string;
  /** File name, or other name of the piece of input. */
  readonly name: string;
  readonly reason: string;
  /** Byte offset, line or message offset; null when unknown. */
  readonly position: number | null;
  /** True when the rest of the piece became rows. */
  readonly isPart?: true;
  /** What its source says of it beside that, such as its bytes in hex. */
  readonly values?: InvalidInput["invalid"]["values"];
}

/** The dead letters of one epoch of one run. */
export interface DeadLetterFile {
  readonly path: string;
  /** The run, where each has a folder of its own; null in a checkpoint, whose epochs go on from run to run. */
  readonly run: string | null;
  readonly letters: readonly DeadLetter[];
}

function deadLetterFileName(epoch: number): string {
  return `${String(epoch).padStart(10, "0")}.jsonl`;
}

/**
 * The dead letters of a checkpoint, or of the runs without one that have left theirs in
 * `.sferic/dead-letters/<pipeline>`, by run, epoch and source; one file at a time is in memory. Throws `dead-letters-not-found`
 * when the folder is neither, and `dead-letters-corrupt` with file and line when one is not what was written.
 */
export async function* readDeadLetters(directory: string): AsyncGenerator<DeadLetterFile> {
  const ofCheckpoint = await isCheckpoint(directory);
  const lineage = ofCheckpoint ? await lineageOf(directory) : null;
  const folder = ofCheckpoint ? deadLetterFolder(directory) : directory;
  const names = await Array.fromAsync(glob(["*.jsonl", "*/*.jsonl"], { cwd: folder }));
  const files = names.filter((name) => /(^|[\\/])\d{10}\.jsonl$/.test(name)).toSorted();
  if (files.length === 0 && !ofCheckpoint) throw notFound(directory);
  for (const name of files) {
    const path = join(folder, name);
    const run = dirname(name) === "." ? null : dirname(name);
    yield { path, run, letters: await lettersIn(path, lineage) };
  }
}

/** Id of a checkpoint; null where it cannot be read. */
async function lineageOf(checkpoint: string): Promise<string | null> {
  try {
    return decodeRecord<{ readonly id: string }>((await textOf(identityPath(checkpoint))) ?? "").id;
  } catch (thrown) {
    if (thrown instanceof TornRecord) return null;
    throw thrown;
  }
}

/** Where the dead letters of a run are. */
export interface LettersHome {
  readonly deadLetters: string;
  /** Id of the checkpoint, or of the run where it has none. */
  readonly history: string;
}

/** Writes the dead letters of one epoch, in place of those that an earlier attempt at it has left; none leave no file. */
export async function writeDeadLetters(
  { deadLetters: folder, history: lineage }: LettersHome,
  epoch: number,
  letters: readonly DeadLetter[],
): Promise<string> {
  const path = join(folder, deadLetterFileName(epoch));
  if (letters.length === 0) await remove(path);
  else {
    await makeDirectory(folder);
    await replaceDurably(path, encodeLetters(letters, { epoch, lineage }));
  }
  return path;
}

/** Removes dead letters whose input a committed epoch has read again. Harmless to repeat; each file changes at once. */
export async function removeDeadLetters(home: LettersHome, replayed: readonly ReplayedLetter[]): Promise<void> {
  for (const [epoch, ofEpoch] of Map.groupBy(replayed, (letter) => letter.epoch)) {
    const letters = await lettersIn(join(home.deadLetters, deadLetterFileName(epoch)), home.history);
    const isGone = (letter: DeadLetter): boolean =>
      ofEpoch.some(({ source, name }) => source === letter.source && name === letter.name);
    const kept = letters.filter((letter) => !isGone(letter));
    if (kept.length < letters.length) await writeDeadLetters(home, epoch, kept);
  }
}

/** The letters of a file, none where there is no file. Those of another epoch or, unless that is null, lineage are refused. */
async function lettersIn(path: string, lineage: string | null): Promise<DeadLetter[]> {
  const text = (await textOf(path)) ?? "";
  const { lines, skipped } = headed(path, text, lineage);
  const all = lines.split("\n").filter((line) => line !== "");
  const letters = all.map((line, index) => {
    const letter = parsed(line);
    if (letter !== null) return letter;
    const number = skipped + index + 1;
    throw damaged(path, `line ${number} is no dead letter`, { line: number });
  });
  // Sources finish an epoch in any order.
  return letters.toSorted((a, b) => (a.source < b.source ? -1 : Number(a.source > b.source)));
}

function headed(path: string, text: string, lineage: string | null): ReturnType<typeof decodeLetters> {
  try {
    return decodeLetters(text, { epoch: Number.parseInt(basename(path), 10), lineage });
  } catch (thrown) {
    if (!(thrown instanceof TornRecord)) throw thrown;
    throw damaged(path, thrown.message.replace(/\.$/, ""), {});
  }
}

function damaged(path: string, what: string, where: { readonly line?: number }): OperatorError {
  const message = `${path}: ${what}. Restore the file from a copy, or remove it: only a replay reads it.`;
  return new OperatorError({ code: "dead-letters-corrupt", message, details: { path, ...where } });
}

function parsed(line: string): DeadLetter | null {
  try {
    const { epoch, source, name, reason, position, isPart, values } = JSON.parse(line) as DeadLetter;
    const isLetter = typeof epoch === "number" && [source, name, reason].every((text) => typeof text === "string");
    if (!isLetter) return null;
    const own = values === undefined ? {} : { values };
    return { epoch, source, name, reason, position: position ?? null, ...(isPart === true ? { isPart } : {}), ...own };
  } catch {
    return null;
  }
}

function notFound(directory: string): OperatorError {
  return new OperatorError({
    code: "dead-letters-not-found",
    message: `There are no dead letters in ${directory}. Name a checkpoint, or for runs without one the folder .sferic/dead-letters/<pipeline> beside the spec.`,
    details: { path: directory },
  });
}
