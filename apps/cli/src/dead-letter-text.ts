import { visible } from "@sferic/operator/visible";
import type { DeadLetter, DeadLetterFile } from "@sferic/engine";
import { placeText } from "./run-summary.ts";
import type { Paint } from "./terminal.ts";
import { counted, countText, textTable } from "./text.ts";

/** The dead letters that one epoch of a run has of one source. */
export interface DeadLetterCount {
  readonly run: DeadLetterFile["run"];
  readonly epoch: number;
  readonly source: string;
  readonly count: number;
  readonly path: string;
}

/** A dead letter and the run it is from. */
export interface ToldDeadLetter extends DeadLetter {
  readonly run: DeadLetterFile["run"];
}

const none = "There are no dead letters.";

/** How many there are, per run, epoch and source, with the file they are in. */
export function deadLetterList(counts: readonly DeadLetterCount[], paint: Paint): string {
  if (counts.length === 0) return none;
  const hasRuns = counts.some(({ run }) => run !== null);
  const rows = counts.map(({ run, epoch, source, count, path }) => [
    ...(hasRuns ? [run ?? ""] : []),
    String(epoch),
    source,
    countText(count),
    placeText(path),
  ]);
  const columns = [
    ...(hasRuns ? [{ title: "run" }] : []),
    { title: "epoch", align: "right" as const },
    { title: "source" },
    { title: "letters", align: "right" as const },
    { title: "file" },
  ];
  return textTable(columns, rows, (line) => paint("dim", line));
}

/** Each of them, the reason last because it is the longest. */
export function deadLetterText(letters: readonly ToldDeadLetter[], paint: Paint): string {
  if (letters.length === 0) return none;
  const hasRuns = letters.some(({ run }) => run !== null);
  const rows = letters.map(({ run, epoch, source, name, position, reason }) => [
    ...(hasRuns ? [run ?? ""] : []),
    String(epoch),
    source,
    visible(name),
    position === null ? "" : countText(position),
    visible(reason),
  ]);
  const columns = [
    ...(hasRuns ? [{ title: "run" }] : []),
    { title: "epoch", align: "right" as const },
    { title: "source" },
    { title: "name" },
    { title: "position", align: "right" as const },
    { title: "reason" },
  ];
  return `${textTable(columns, rows, (line) => paint("dim", line))}\n\n${counted(letters.length, "dead letter")}`;
}
