import { asOperatorError, OperatorError } from "@sferic/operator";
import { formatIssue } from "@sferic/spec";
import type { RunEvent } from "./events.ts";
import { EpochRunner } from "./epoch-runner.ts";
import { createOperators } from "./live-operators.ts";
import { resolvePath } from "./paths.ts";
import { type Plan, type PlanOptions, planPipeline } from "./plan.ts";
import type { RunResult } from "./result.ts";
import { checkpointHome, temporaryHome } from "./run-home.ts";
import type { RunOptions } from "./run-options.ts";
import { RunSummary } from "./summary.ts";

/**
 * Plans a spec and runs it to the end of its trigger. Rejects with `spec-invalid` (its `details.issues` hold every issue)
 * when it cannot be planned; a failure while running resolves with state `failed` and the error in the result.
 */
export async function runPipeline(spec: string | object, options: PlanOptions & RunOptions): Promise<RunResult> {
  const { plan, issues, document } = await planPipeline(spec, { probe: true, ...options });
  if (plan !== null) return runPlan(plan, options);
  const text = issues.map((issue) => formatIssue(issue, document)).join("\n\n");
  throw new OperatorError({ code: "spec-invalid", message: `The spec has mistakes.\n${text}`, details: { issues } });
}

/** Runs a plan to the end of its trigger. A failure resolves with state `failed`; only a bug rejects. */
export async function runPlan(plan: Plan, options: RunOptions = {}): Promise<RunResult> {
  const summary = new RunSummary(plan);
  const emit = async (event: RunEvent): Promise<void> => options.onEvent?.(event);
  let result: RunResult;
  try {
    await runEpochs(plan, options, summary, emit);
    result = summary.finish(options.drain?.aborted === true ? "stopped" : "succeeded");
  } catch (thrown) {
    result = summary.finish("failed", failureOf(thrown, options.signal));
  }
  await emit({ type: "finished", result });
  return result;
}

/** Why a run ended: the failure that came first, also when closing what was open failed after it. */
function failureOf(thrown: unknown, signal: AbortSignal | undefined): OperatorError {
  if (thrown instanceof SuppressedError) return failureOf(thrown.suppressed, signal);
  const aborted = signal?.aborted === true && thrown === signal.reason;
  return aborted ? new OperatorError({ code: "aborted", message: "The run was aborted." }) : asOperatorError(thrown);
}

async function runEpochs(
  plan: Plan,
  options: RunOptions,
  summary: RunSummary,
  emit: (event: RunEvent) => Promise<void>,
): Promise<void> {
  const configured = options.checkpoint ?? plan.spec.run.checkpoint;
  const directory = configured === undefined ? null : resolvePath(plan.baseDirectory, configured);
  await emit({ type: "started", run: summary.run, pipeline: plan.spec.name, checkpoint: directory });
  await using home =
    directory === null ? await temporaryHome(plan, summary.run) : await checkpointHome(plan, directory, emit);
  summary.durable = directory !== null;
  await using operators = await createOperators(plan, home);
  const runner = new EpochRunner(plan, home, operators.all, summary, { emit, ...options });
  try {
    await runner.recover();
    await runner.run(options.trigger ?? plan.spec.run.trigger);
  } catch (thrown) {
    await runner.giveUp();
    throw thrown;
  }
}
