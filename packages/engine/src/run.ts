import { asOperatorError, OperatorError } from "@sferic/operator";
import { formatIssue, type Issue } from "@sferic/spec";
import { type DeadLetter, readDeadLetters } from "./dead-letters.ts";
import type { RunEvent } from "./events.ts";
import { EpochRunner } from "./epoch-runner.ts";
import { createOperators } from "./live-operators.ts";
import { resolvePath } from "./paths.ts";
import { type Plan, type PlanOptions, planPipeline, secretsOf } from "./plan.ts";
import type { LeftLetter } from "./replay.ts";
import type { RunResult } from "./result.ts";
import { checkpointHome, type RunHome, temporaryHome } from "./run-home.ts";
import type { RunOptions } from "./run-options.ts";
import { RunSummary } from "./summary.ts";

/**
 * Plans a spec and runs it to the end of its trigger. Rejects with `spec-invalid` (its `details.issues` hold every issue)
 * when it cannot be planned; a failure while running resolves with state `failed` and the error in the result.
 */
export async function runPipeline(spec: string | object, options: PlanOptions & RunOptions): Promise<RunResult> {
  const { plan, issues, document } = await planPipeline(spec, { probe: true, ...options });
  if (plan !== null) return withIssues(await runPlan(plan, options), issues);
  const text = issues.map((issue) => formatIssue(issue, document)).join("\n\n");
  throw new OperatorError({ code: "spec-invalid", message: `The spec has mistakes.\n${text}`, details: { issues } });
}

/** The result with what planning had to say first; what both said is there once. */
export function withIssues(result: RunResult, planned: readonly Issue[]): RunResult {
  const known = new Set(planned.map(({ code, message }) => `${code} ${message}`));
  const own = (result.issues as Issue[]).filter(({ code, message }) => !known.has(`${code} ${message}`));
  return { ...result, issues: [...planned, ...own] };
}

/**
 * Runs a plan to the end of its trigger. A failure resolves with state `failed`; only a bug rejects. Secrets of the spec and
 * of its connections are in no event and not in the result, nor in the causes of its error.
 */
export async function runPlan(plan: Plan, options: RunOptions = {}): Promise<RunResult> {
  return runWith(plan, options, (runner) => runner.run(options.trigger ?? plan.spec.run.trigger));
}

/** Which dead letters to replay. */
export interface ReplayOptions extends Omit<RunOptions, "trigger" | "maxEpochs"> {
  /** Only those of this source. */
  readonly source?: string;
}

/** What a replay did: the run, and what became of the dead letters. */
export interface ReplayResult {
  readonly result: RunResult;
  /** Letters whose input was read again. */
  readonly replayed: readonly DeadLetter[];
  /** Those among the input read again that failed again: new letters, in place of the old ones. */
  readonly failedAgain: readonly DeadLetter[];
  /** Letters that stay as they are. */
  readonly left: readonly LeftLetter[];
}

/**
 * Reads the input of a checkpoint's dead letters again, as it is now, as one more epoch through the whole pipeline. The
 * letters go when that epoch is committed; what fails again gets a new one. Killed at any moment, the next run or replay
 * on the checkpoint finishes it: nothing is lost or doubled. A failure is told as by {@link runPlan}, so is
 * `replay-without-checkpoint`.
 */
export async function replayDeadLetters(plan: Plan, options: ReplayOptions = {}): Promise<ReplayResult> {
  let found: readonly DeadLetter[] = [];
  let failedAgain: readonly DeadLetter[] = [];
  let left: readonly LeftLetter[] = [];
  const result = await runWith(plan, options, async (runner, home) => {
    if (home.checkpoint === null) throw withoutCheckpoint();
    const { directory } = home.checkpoint;
    found = (await lettersIn(directory)).filter(({ source }) => source === (options.source ?? source));
    const input = await runner.replay(found);
    left = input.left;
    failedAgain = (await lettersIn(directory)).filter(({ epoch }) => epoch === input.epoch);
  });
  const stays = new Set(left.map(({ letter }) => letter));
  const replayed = result.error === undefined ? found.filter((letter) => !stays.has(letter)) : [];
  return { result, replayed, failedAgain, left };
}

async function lettersIn(directory: string): Promise<DeadLetter[]> {
  return (await Array.fromAsync(readDeadLetters(directory))).flatMap(({ letters }) => letters);
}

function withoutCheckpoint(): OperatorError {
  const message =
    "A run without a checkpoint reads everything again anyway: correct the input and run the pipeline. To replay, name the checkpoint.";
  return new OperatorError({ code: "replay-without-checkpoint", message });
}

async function runWith(plan: Plan, options: RunOptions, work: Work): Promise<RunResult> {
  const summary = new RunSummary(plan);
  const secrets = secretsOf(plan);
  const emit = async (event: RunEvent): Promise<void> => options.onEvent?.(secrets.scrubbed(event));
  let result: RunResult;
  try {
    await runEpochs(plan, options, summary, emit, work);
    result = summary.finish(options.drain?.aborted === true ? "stopped" : "succeeded");
  } catch (thrown) {
    result = summary.finish("failed", failureOf(thrown, options.signal));
  }
  result = secrets.scrubbed(result);
  await emit({ type: "finished", result });
  return result;
}

/** What is done once the operators are open and an unfinished epoch is finished. */
type Work = (runner: EpochRunner, home: RunHome) => Promise<void>;

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
  work: Work,
): Promise<void> {
  const configured = options.checkpoint ?? plan.spec.run.checkpoint;
  const directory = configured === undefined ? null : resolvePath(plan.baseDirectory, configured);
  await emit({ type: "started", run: summary.run, pipeline: plan.spec.name, checkpoint: directory });
  await using home =
    directory === null ? await temporaryHome(plan, summary.run) : await checkpointHome(plan, directory, emit);
  summary.durable = directory !== null;
  const warn = (operatorId: string, code: string, message: string): void => {
    summary.warn(operatorId, code, message);
    // Whoever warns does not wait for whoever listens.
    void emit({ type: "warning", operatorId, code, message }).catch(() => {});
  };
  const { trigger } = options;
  await using operators = await createOperators(plan, home, { ...(trigger === undefined ? {} : { trigger }), warn });
  const runner = new EpochRunner(plan, home, operators.all, summary, { emit, ...options });
  try {
    await runner.recover();
    await work(runner, home);
  } catch (thrown) {
    await runner.giveUp();
    throw thrown;
  }
}
