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
  let isWritten = true;
  const terminal = processTerminal(() => (isWritten = false));
  // What standard output could not take may only show when the process is about to end.
  process.once("exit", () => {
    if (!isWritten) process.exitCode = ExitCode.runFailed;
  });
  process.exitCode = hasWorkingFolder() ? await main(process.argv.slice(2), terminal) : withoutWorkingFolder(terminal);
}

function hasWorkingFolder(): boolean {
  try {
    return process.cwd() !== "";
  } catch {
    return false;
  }
}

/** Libraries end the process when they ask for the working folder and it was removed. */
function withoutWorkingFolder(terminal: Terminal): ExitCode {
  terminal.note("error[not-found]: The working folder no longer exists. Change into one that does.");
  return ExitCode.runFailed;
}

if (import.meta.main) await runAsProcess();
