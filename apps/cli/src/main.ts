import { CommanderError } from "commander";
import { ExitCode } from "./exit-code.ts";
import { createProgram } from "./program.ts";
import { processTerminal, type Terminal } from "./terminal.ts";

/** Runs one command line (without `node` and the script) and resolves to its exit code. Writes to the terminal only. */
export async function main(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let exitCode: ExitCode = ExitCode.done;
  const program = createProgram(terminal, async (options, outcome) => {
    try {
      exitCode = await outcome;
    } catch (thrown) {
      const { reportFailure } = await import("./failure.ts");
      exitCode = reportFailure(terminal, thrown, options);
    }
  });
  if (args.length === 0) {
    terminal.write(program.helpInformation());
    return ExitCode.done;
  }
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    return thrown.exitCode === 0 ? ExitCode.done : ExitCode.specInvalid;
  }
  return exitCode;
}

/** The whole process: its arguments, streams and exit code. */
export async function runAsProcess(): Promise<void> {
  process.exitCode = await main(process.argv.slice(2), processTerminal());
}

if (import.meta.main) await runAsProcess();
