import { resolve } from "node:path";
import { explainPlan } from "@sferic/engine";
import { ExitCode } from "../exit-code.ts";
import { explanationText } from "../explanation-text.ts";
import type { CommonOptions } from "../failure.ts";
import { issuesText, planSpec } from "../planning.ts";
import type { Terminal } from "../terminal.ts";
import { parseTrigger } from "../trigger.ts";

export interface ExplainOptions extends CommonOptions {
  readonly param?: Readonly<Record<string, string>>;
  readonly trigger?: string;
  readonly checkpoint?: string;
}

/** The plan of a spec: graph, columns per edge, delivery per path, bounds. Sources may be opened to learn columns. */
export async function explain(terminal: Terminal, path: string, options: ExplainOptions): Promise<ExitCode> {
  const { trigger, checkpoint } = options;
  const chosen = {
    ...(trigger === undefined ? {} : { trigger: parseTrigger(trigger) }),
    ...(checkpoint === undefined ? {} : { checkpoint: resolve(checkpoint) }),
  };
  const { plan, issues, document } = await planSpec(path, {
    secrets: terminal.secrets,
    param: options.param ?? {},
    probe: true,
    ...chosen,
  });
  if (plan === null) {
    if (options.json === true) terminal.printJson({ issues });
    else terminal.note(issuesText(issues, document, terminal.colorErr));
    return ExitCode.specInvalid;
  }
  if (issues.length > 0 && options.json !== true) terminal.note(`${issuesText(issues, document, terminal.colorErr)}\n`);
  const explanation = explainPlan(plan, chosen);
  if (options.json === true) terminal.printJson(explanation);
  else terminal.print(explanationText(explanation, terminal.paintOut));
  return ExitCode.done;
}
