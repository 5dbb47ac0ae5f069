import { resolve } from "node:path";
import { type CheckpointReport, inspectCheckpoint, resetCheckpoint } from "@sferic/engine";
import { OperatorError } from "@sferic/operator";
import { checkpointText, findingsText } from "../checkpoint-text.ts";
import { ExitCode } from "../exit-code.ts";
import type { CommonOptions } from "../failure.ts";
import { placeText } from "../run-summary.ts";
import type { Terminal } from "../terminal.ts";
import { counted } from "../text.ts";

export interface ResetOptions extends CommonOptions {
  readonly yes?: boolean;
}

/** What a checkpoint says: whose it is, its epochs, offsets, outputs, who holds it. Ends as {@link verifyCheckpoint} does. */
export async function showCheckpoint(terminal: Terminal, folder: string, options: CommonOptions): Promise<ExitCode> {
  const report = await inspectCheckpoint(resolve(folder));
  if (options.json === true) terminal.printJson(report);
  else terminal.print(checkpointText(report, terminal.paintOut));
  return exitCodeOfReport(report);
}

/** Every record of a checkpoint against its checksum. What a run would not start on ends with the code for checkpoints. */
export async function verifyCheckpoint(terminal: Terminal, folder: string, options: CommonOptions): Promise<ExitCode> {
  const report = await inspectCheckpoint(resolve(folder));
  const { checkpoint, records, findings } = report;
  if (options.json === true) terminal.printJson({ checkpoint, records, findings });
  else if (findings.length > 0) terminal.print(findingsText(findings, terminal.paintOut));
  else terminal.print(`${placeText(checkpoint)}: ${counted(records, "record")}, nothing is wrong`);
  return exitCodeOfReport(report);
}

/** Moves a checkpoint aside, once told `yes`. */
export async function reset(terminal: Terminal, folder: string, options: ResetOptions): Promise<ExitCode> {
  const checkpoint = resolve(folder);
  const { outputs } = await inspectCheckpoint(checkpoint);
  if (options.yes !== true) throw notConfirmed(checkpoint);
  const movedTo = await resetCheckpoint(checkpoint);
  if (options.json === true) terminal.printJson({ checkpoint, movedTo });
  else {
    terminal.print(`${placeText(checkpoint)} is now ${placeText(movedTo)}; the next run starts from the beginning.`);
    const sinks = Object.keys(outputs);
    if (sinks.length > 0) {
      terminal.print(`What ${sinks.join(", ")} wrote is still there: empty it before that run, which writes it again.`);
    }
  }
  return ExitCode.done;
}

function exitCodeOfReport({ findings }: CheckpointReport): ExitCode {
  return findings.some(({ severity }) => severity === "error") ? ExitCode.checkpoint : ExitCode.done;
}

function notConfirmed(checkpoint: string): OperatorError {
  const message = `After a reset the next run on ${checkpoint} reads everything again, and its outputs have to be emptied first. Add --yes to do it.`;
  return new OperatorError({ code: "usage", message });
}
