import type { Command } from "commander";
import { completions, scripts, shells } from "../completion.ts";
import { ExitCode } from "../exit-code.ts";
import type { CommonOptions } from "../failure.ts";
import type { Terminal } from "../terminal.ts";
import { visible } from "@sferic/operator/visible";

/** Prints the script for a shell or, for `words`, what may stand next on a command line, one word and its meaning a line. */
export async function completion(
  terminal: Terminal,
  program: Command,
  shell: string,
  words: readonly string[],
  options: CommonOptions,
): Promise<ExitCode> {
  const known = shells.find((one) => one === shell);
  if (known !== undefined) {
    if (options.json === true) terminal.printJson({ shell, script: scripts[known] });
    else terminal.write(scripts[known]);
    return ExitCode.done;
  }
  const found = await completions(program, words);
  if (options.json === true) terminal.printJson({ words: found });
  else for (const { word, description } of found) terminal.write(`${lineOf(word, description)}\n`);
  return ExitCode.done;
}

/** A word and, after a tab, what it means; as the shells' scripts take it. */
function lineOf(word: string, description: string): string {
  return description === "" ? visible(word) : `${visible(word)}\t${visible(description)}`;
}
