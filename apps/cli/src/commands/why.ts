import { resolve } from "node:path";
import { epochCost, openWindows, type SourceRemark, sourceRemarks } from "@sferic/engine";
import { OperatorError } from "@sferic/operator";
import { ExitCode } from "../exit-code.ts";
import type { CommonOptions } from "../failure.ts";
import { issuesText, planSpec } from "../planning.ts";
import type { Terminal } from "../terminal.ts";
import { costText, windowsText } from "../windows-text.ts";

export interface WhyOptions extends CommonOptions {
  readonly param?: Readonly<Record<string, string>>;
  readonly checkpoint?: string;
}

/** Why windows have not closed, how files were taken, and what epochs spend their time on, from the checkpoint. Sources may be opened to learn columns; nothing is run. */
export async function why(
  terminal: Terminal,
  path: string,
  operatorId: string | undefined,
  options: WhyOptions,
): Promise<ExitCode> {
  const chosen = options.checkpoint === undefined ? undefined : resolve(options.checkpoint);
  const { plan, issues, document } = await planSpec(path, {
    secrets: terminal.secrets,
    param: options.param ?? {},
    probe: true,
    requiresInputs: false,
    ...(chosen === undefined ? {} : { checkpoint: chosen }),
  });
  if (plan === null) {
    if (options.json === true) terminal.printJson({ issues });
    else terminal.note(issuesText(issues, document, terminal.colorErr));
    return ExitCode.specInvalid;
  }
  const { checkpoint } = plan.spec.run;
  const directory = chosen ?? (checkpoint === undefined ? undefined : resolve(plan.baseDirectory, checkpoint));
  if (directory === undefined) throw withoutCheckpoint();
  const reports = await openWindows(plan, {
    checkpoint: directory,
    ...(operatorId === undefined ? {} : { operatorId }),
  });
  const remarks = await sourceRemarks(plan, directory);
  const cost = await epochCost(directory);
  if (options.json === true) terminal.printJson({ checkpoint: directory, operators: reports, remarks, cost });
  else {
    const parts = [windowsText(reports, terminal.paintOut), ...remarks.map(remarkText), costText(cost)];
    terminal.print(parts.join("\n\n"));
  }
  return ExitCode.done;
}

function remarkText({ operatorId, message }: SourceRemark): string {
  return `Of the source "${operatorId}": ${message}`;
}

function withoutCheckpoint(): OperatorError {
  const message =
    "What is open between runs stands in a checkpoint, and this spec names none. Give it run.checkpoint, or name the folder with --checkpoint.";
  return new OperatorError({ code: "usage", message });
}
