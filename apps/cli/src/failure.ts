import { asOperatorError, type OperatorError } from "@sferic/operator";
import { ExitCode, exitCodeOf } from "./exit-code.ts";
import type { Terminal } from "./terminal.ts";

/** What every command can be told. */
export interface CommonOptions {
  readonly json?: boolean;
  /** Show the stack of internal errors. */
  readonly verbose?: boolean;
}

/**
 * Says what ended a command, on the error stream and with `json` also as `{ "error": … }` on standard output; returns
 * the exit code. Only internal errors ever show a stack, and only when asked.
 */
export function reportFailure(terminal: Terminal, thrown: unknown, options: CommonOptions): ExitCode {
  const error = asOperatorError(thrown);
  const { code, message, operatorId } = error;
  if (options.json === true) {
    terminal.printJson({ error: { code, message, ...(operatorId === undefined ? {} : { operatorId }) } });
  }
  terminal.note(failureText(terminal, error, options.verbose === true || Boolean(process.env["SFERIC_DEBUG"])));
  return exitCodeOf(code);
}

function failureText(terminal: Terminal, error: OperatorError, verbose: boolean): string {
  const { code, message, operatorId, domain } = error;
  const place = operatorId === undefined ? "" : ` in operator "${operatorId}"`;
  const lines = [`${terminal.paintErr("red", `error[${code}]`)}${place}: ${message}`];
  if (domain !== "internal") return lines.join("\n");
  if (verbose) lines.push(stackOf(error));
  else lines.push("This looks like a defect in Sferic. --verbose shows where; please report it with that output.");
  return lines.join("\n");
}

function stackOf(error: OperatorError): string {
  return (error.cause instanceof Error ? error.cause.stack : error.stack) ?? "";
}
