import { asOperatorError, type ErrorData, OperatorError } from "@sferic/operator";
import { type ExitCode, exitCodeOf } from "./exit-code.ts";
import type { Paint, Terminal } from "./terminal.ts";

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
  terminal.note(failureText(error, terminal.paintErr, options.verbose === true));
  return exitCodeOf(code);
}

/** An error for people: code, operator, message, and for an internal one its stack when `verbose`, or how to get it. */
export function failureText(error: OperatorError | ErrorData, paint: Paint, verbose: boolean): string {
  const { code, message, operatorId, domain } = error;
  const place = operatorId === undefined ? "" : ` in operator "${operatorId}"`;
  const lines = [`${paint("red", `error[${code}]`)}${place}: ${message}`];
  if (domain !== "internal") return lines.join("\n");
  if (verbose || process.env["SFERIC_DEBUG"]) lines.push(stackOf(error));
  else lines.push("This looks like a defect in Sferic. --verbose shows where; please report it with that output.");
  return lines.join("\n");
}

function stackOf(error: OperatorError | ErrorData): string {
  if (!(error instanceof OperatorError)) return "";
  return (error.cause instanceof Error ? error.cause.stack : error.stack) ?? "";
}
