import { resolve } from "node:path";
import { readDeadLetters } from "@sferic/engine";
import { type DeadLetterCount, deadLetterList, deadLetterText, type ToldDeadLetter } from "../dead-letter-text.ts";
import { ExitCode } from "../exit-code.ts";
import type { CommonOptions } from "../failure.ts";
import type { Terminal } from "../terminal.ts";

export interface DeadLetterOptions extends CommonOptions {
  /** Only those of this source. */
  readonly source?: string;
}

/** How many dead letters each epoch has, per source. */
export async function listDeadLetters(terminal: Terminal, folder: string, options: CommonOptions): Promise<ExitCode> {
  const deadLetters: DeadLetterCount[] = [];
  for await (const { path, run, letters } of readDeadLetters(resolve(folder))) {
    for (const [source, { length: count, 0: first }] of Map.groupBy(letters, (letter) => letter.source)) {
      deadLetters.push({ run, epoch: first!.epoch, source, count, path });
    }
  }
  if (options.json === true) terminal.printJson({ deadLetters });
  else terminal.print(deadLetterList(deadLetters, terminal.paintOut));
  return ExitCode.done;
}

/** Every dead letter with what could not be read, where and why. */
export async function showDeadLetters(
  terminal: Terminal,
  folder: string,
  options: DeadLetterOptions,
): Promise<ExitCode> {
  const deadLetters: ToldDeadLetter[] = [];
  for await (const { run, letters } of readDeadLetters(resolve(folder))) {
    const wanted = letters.filter(({ source }) => options.source === undefined || source === options.source);
    deadLetters.push(...wanted.map((letter) => ({ run, ...letter })));
  }
  if (options.json === true) terminal.printJson({ deadLetters });
  else terminal.print(deadLetterText(deadLetters, terminal.paintOut));
  return ExitCode.done;
}
