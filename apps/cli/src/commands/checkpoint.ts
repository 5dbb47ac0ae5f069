import { resolve } from "node:path";
import {
  type CheckpointReport,
  inspectCheckpoint,
  repairCheckpoint,
  resetCheckpoint,
  unlockCheckpoint,
} from "@sferic/engine";
import { OperatorError } from "@sferic/operator";
import { checkpointText, findingsText, lockText, repairText } from "../checkpoint-text.ts";
import { ExitCode } from "../exit-code.ts";
import type { CommonOptions } from "../failure.ts";
import { placeText } from "../run-summary.ts";
import type { Terminal } from "../terminal.ts";
import { counted } from "../text.ts";

export interface ConfirmedOptions extends CommonOptions {
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

/** Says what a repair would do, and does it once told `yes`. What is beyond repair ends with the code for checkpoints. */
export async function repair(terminal: Terminal, folder: string, options: ConfirmedOptions): Promise<ExitCode> {
  const checkpoint = resolve(folder);
  const { actions, beyondRepair } = await repairCheckpoint(checkpoint, { apply: options.yes === true });
  const isDone = options.yes === true && beyondRepair.length === 0;
  if (options.json === true) terminal.printJson({ checkpoint, done: isDone, actions, beyondRepair });
  else if (actions.length + beyondRepair.length === 0) terminal.print(`${placeText(checkpoint)}: nothing is wrong`);
  else terminal.print(repairText({ actions, beyondRepair }, terminal.paintOut));
  if (beyondRepair.length > 0) return ExitCode.checkpoint;
  if (actions.length > 0 && !isDone) terminal.note("Nothing is done yet. Add --yes to do it; no file is deleted.");
  return ExitCode.done;
}

/** Moves a checkpoint aside, once told `yes`. */
export async function reset(terminal: Terminal, folder: string, options: ConfirmedOptions): Promise<ExitCode> {
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

/** Frees a checkpoint from a run that is gone but cannot be seen to be, once told `yes`. */
export async function unlock(terminal: Terminal, folder: string, options: ConfirmedOptions): Promise<ExitCode> {
  const checkpoint = resolve(folder);
  const isDone = options.yes === true;
  const holder = await unlockCheckpoint(checkpoint, { apply: isDone });
  if (options.json === true) terminal.printJson({ checkpoint, done: isDone && holder !== null, holder });
  else if (holder === null) terminal.print(`${placeText(checkpoint)}: no run holds it`);
  else if (isDone) terminal.print(`${placeText(checkpoint)} is free; it was ${lockText(holder)}.`);
  else terminal.print(`${placeText(checkpoint)} is ${lockText(holder)}.`);
  if (holder === null || isDone) return ExitCode.done;
  terminal.note("Nothing is done yet. Make sure that this process is gone, then add --yes.");
  return ExitCode.locked;
}

function exitCodeOfReport({ findings }: CheckpointReport): ExitCode {
  return findings.some(({ severity }) => severity === "error") ? ExitCode.checkpoint : ExitCode.done;
}

function notConfirmed(checkpoint: string): OperatorError {
  const message = `After a reset the next run on ${checkpoint} reads everything again, and its outputs have to be emptied first. Add --yes to do it.`;
  return new OperatorError({ code: "usage", message });
}
