import { resolve } from "node:path";
import { epochCost, openWindows } from "@sferic/engine";
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

/** Why windows have not closed and what epochs spend their time on, from the checkpoint. Sources may be opened to learn columns; nothing is run. */
export async function why(
  terminal: Terminal,
  path: string,
  operatorId: string | undefined,
  options: WhyOptions,
): Promise<ExitCode> {
  const chosen = options.checkpoint === undefined ? undefined : resolve(options.checkpoint);
  const { plan, issues, document } = await planSpec(path, {
    param: options.param ?? {},
    probe: true,
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
  const cost = await epochCost(directory);
  if (options.json === true) terminal.printJson({ checkpoint: directory, operators: reports, cost });
  else terminal.print(`${windowsText(reports, terminal.paintOut)}\n\n${costText(cost)}`);
  return ExitCode.done;
}

function withoutCheckpoint(): OperatorError {
  const message =
    "What is open between runs stands in a checkpoint, and this spec names none. Give it run.checkpoint, or name the folder with --checkpoint.";
  return new OperatorError({ code: "usage", message });
}
