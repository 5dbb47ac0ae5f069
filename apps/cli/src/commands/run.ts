import { resolve } from "node:path";
import type { RunOptions, RunResult, Trigger } from "@sferic/engine";
import { OperatorError } from "@sferic/operator";
import { ExitCode, exitCodeOf } from "../exit-code.ts";
import type { CommonOptions } from "../failure.ts";
import { issuesText, planSpec } from "../planning.ts";
import { runWithProgress } from "../run-plan.ts";
import { runSummary } from "../run-summary.ts";
import type { Terminal } from "../terminal.ts";
import { parseTrigger } from "../trigger.ts";

export interface RunCommandOptions extends CommonOptions {
  readonly param?: Readonly<Record<string, string>>;
  readonly engine: "local" | "spark";
  readonly maxEpochs?: number;
  readonly trigger?: string;
  readonly checkpoint?: string;
}

/** Runs a spec to the end of its trigger. */
export async function run(terminal: Terminal, path: string, options: RunCommandOptions): Promise<ExitCode> {
  const runOptions = runOptionsOf(options);
  const started = performance.now();
  const { plan, issues, document } = await planSpec(path, {
    secrets: terminal.secrets,
    param: options.param ?? {},
    probe: true,
    ...(runOptions.checkpoint === undefined ? {} : { checkpoint: runOptions.checkpoint }),
    ...(runOptions.trigger === undefined ? {} : { trigger: runOptions.trigger }),
  });
  const seconds = (performance.now() - started) / 1000;
  if (issues.length > 0 && (plan !== null || options.json !== true)) {
    terminal.note(`${issuesText(issues, document, terminal.colorErr)}\n`);
  }
  if (plan === null) {
    if (options.json === true) terminal.printJson({ issues });
    return ExitCode.specInvalid;
  }
  const told = await runWithProgress(plan, terminal, runOptions, { seconds, issues });
  if (options.json === true) terminal.printJson(told.result);
  else terminal.note(runSummary(told, terminal.paintErr, options.verbose));
  return exitCodeOfRun(told.result, runOptions.trigger ?? plan.spec.run.trigger);
}

/** A run at an interval ends by being stopped; any other has work left when it is. */
function exitCodeOfRun({ state, error }: RunResult, trigger: Trigger): ExitCode {
  if (error !== undefined) return exitCodeOf(error.code);
  return state === "stopped" && typeof trigger !== "object" ? ExitCode.interrupted : ExitCode.done;
}

function runOptionsOf({ engine, trigger, maxEpochs, checkpoint }: RunCommandOptions): RunOptions {
  if (engine === "spark") {
    const message = "The Spark executor is not available yet; leave --engine out to run in this process.";
    throw new OperatorError({ code: "usage", message });
  }
  return {
    ...(trigger === undefined ? {} : { trigger: parseTrigger(trigger) }),
    ...(maxEpochs === undefined ? {} : { maxEpochs }),
    // On the command line a path counts from the working folder, unlike one in the spec.
    ...(checkpoint === undefined ? {} : { checkpoint: resolve(checkpoint) }),
  };
}
