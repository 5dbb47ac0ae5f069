import { asOperatorError, type Offset, OperatorError, type Replay, type Source } from "@sferic/operator";
import type { Checkpoint } from "./checkpoint/checkpoint.ts";
import type { Intent, ReplayedLetter } from "./checkpoint/records.ts";
import type { DeadLetter } from "./dead-letters.ts";

/** A dead letter that stays, and why. */
export interface LeftLetter {
  readonly letter: DeadLetter;
  readonly reason: string;
}

/** What an epoch over the input of dead letters came to. */
export interface ReplayedInput {
  /** The epoch; null when there was nothing to read. */
  readonly epoch: number | null;
  readonly left: readonly LeftLetter[];
}

/** What the sources offer of the input of dead letters: ranges for an epoch, and the letters that go with it. */
export interface ReplayOffer {
  readonly sources: Intent["sources"];
  readonly replays: readonly ReplayedLetter[];
  readonly left: readonly LeftLetter[];
}

/** Asks every source for the pieces of input that its dead letters are about. */
export async function offerOf(
  letters: readonly DeadLetter[],
  sources: readonly (readonly [string, Source, ...unknown[]])[],
  position: ReadonlyMap<string, Offset>,
  checkpoint: Checkpoint,
): Promise<ReplayOffer> {
  const ranges: Record<string, { start: Offset | null; end: Offset }> = {};
  const replays: ReplayedLetter[] = [];
  const left: LeftLetter[] = [];
  const leave = (some: readonly DeadLetter[], reason: string): void => {
    left.push(...some.map((letter) => ({ letter, reason })));
  };
  const [stale, open] = partition(letters, (letter) => checkpoint.hasReplayed(letter));
  leave(stale, "a later epoch read its input again: the file of dead letters is an older copy");
  for (const [id, ofSource] of Map.groupBy(open, ({ source }) => source)) {
    const { pieces, parts } = piecesOf(ofSource);
    leave(parts, "other rows of it went on, and would be doubled");
    const source = sources.find(([other]) => other === id)?.[1];
    if (source?.replay === undefined) {
      leave(
        pieces,
        source === undefined
          ? "the spec has no such source, or reads it whole in every epoch"
          : "its source cannot read a piece again",
      );
      continue;
    }
    const start = position.get(id) ?? null;
    const offered = await replayOf(source, id, pieces, start, checkpoint);
    if (offered.end !== null) ranges[id] = { start, end: offered.end };
    for (const [index, letter] of pieces.entries()) {
      const why = offered.left[index];
      if (why !== undefined) leave([letter], why);
      else replays.push({ epoch: letter.epoch, source: id, name: letter.name });
    }
  }
  return { sources: ranges, replays, left };
}

function partition<T>(all: readonly T[], test: (one: T) => boolean): [yes: T[], no: T[]] {
  return [all.filter(test), all.filter((one) => !test(one))];
}

async function replayOf(
  source: Source,
  id: string,
  letters: readonly DeadLetter[],
  previous: Offset | null,
  checkpoint: Checkpoint,
): Promise<Replay> {
  const pieces = letters.map(async (letter) => ({ name: letter.name, end: await endOf(letter, checkpoint) }));
  try {
    return await source.replay!(await Promise.all(pieces), previous);
  } catch (thrown) {
    throw asOperatorError(thrown, id);
  }
}

/** One letter for each piece, and apart from them those about pieces of which other rows went on. */
function piecesOf(letters: readonly DeadLetter[]): { pieces: DeadLetter[]; parts: DeadLetter[] } {
  const byPiece = Map.groupBy(letters, ({ epoch, name }) => `${epoch} ${name}`);
  const all = [...byPiece.values()];
  const hasPart = (ofPiece: DeadLetter[]): boolean => ofPiece.some(({ isPart }) => isPart === true);
  return {
    pieces: all.filter((ofPiece) => !hasPart(ofPiece)).map((ofPiece) => ofPiece[0]!),
    parts: all.filter(hasPart).flat(),
  };
}

/** Where the epoch of a letter ended in its source. */
async function endOf({ epoch, source }: DeadLetter, checkpoint: Checkpoint): Promise<Offset> {
  const range = (await checkpoint.intentOf(epoch))?.sources[source];
  if (range !== undefined) return range.end;
  const message = `A dead letter is of epoch ${epoch}, but the checkpoint does not say that this epoch read "${source}".`;
  throw new OperatorError({ code: "dead-letters-corrupt", message, operatorId: source });
}
