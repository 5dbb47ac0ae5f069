import type { Command } from "commander";
import { completions, scripts, shells } from "../completion.ts";
import { ExitCode } from "../exit-code.ts";
import type { CommonOptions } from "../failure.ts";
import type { Terminal } from "../terminal.ts";

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
  else for (const { word, description } of found) terminal.print(description === "" ? word : `${word}\t${description}`);
  return ExitCode.done;
}
