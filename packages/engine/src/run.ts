import { randomUUID } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asOperatorError, OperatorError } from "@sferic/operator";
import { formatIssue } from "@sferic/spec";
import { Checkpoint } from "./checkpoint/checkpoint.ts";
import { remove } from "@sferic/operator/durable-files";
import { fingerprint } from "./checkpoint/records.ts";
import type { RunEvent } from "./events.ts";
import { EpochRunner } from "./epoch-runner.ts";
import { createOperators } from "./live-operators.ts";
import { resolvePath } from "./paths.ts";
import { type Plan, type PlanOptions, planPipeline } from "./plan.ts";
import type { RunResult } from "./result.ts";
import { RunSummary } from "./summary.ts";

/** When epochs begin: one with all there is; bounded ones up to what was there at the start; or every so often. */
export type Trigger = "once" | "available-now" | { readonly everyMs: number };

export interface RunOptions {
  /** Folder of the checkpoint; wins over the spec's. */
  readonly checkpoint?: string;
  /** Wins over the spec's. */
  readonly trigger?: Trigger;
  /** Stop after this many epochs. */
  readonly maxEpochs?: number;
  /** Gives the run up; the epoch in work is lost and computed again by the next run. */
  readonly signal?: AbortSignal;
  /** Ends the run after the epoch in work is committed. */
  readonly drain?: AbortSignal;
  /** Called for every event, in order, before the run goes on. */
  readonly onEvent?: (event: RunEvent) => void | Promise<void>;
}

/** Version written into checkpoints. */
export const engineVersion = "0.1.0";

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

/** Where a run keeps its records and what it stages. */
export interface RunHome extends AsyncDisposable {
  /** Null for a run that nothing can resume. */
  readonly checkpoint: Checkpoint | null;
  /** Ledger key, see `OperatorContext.history`. */
  readonly history: string;
  scratch(operatorId: string): string;
  /** Folder for dead letters. */
  readonly deadLetters: string;
}

async function checkpointHome(
  plan: Plan,
  directory: string,
  emit: (event: RunEvent) => Promise<void>,
): Promise<RunHome> {
  const specHash = fingerprint(plan.document.value);
  const checkpoint = await Checkpoint.open(directory, { name: plan.spec.name, specHash, engineVersion });
  if (checkpoint.identity.specHash !== specHash) await emit({ type: "spec-changed", checkpoint: directory });
  return {
    checkpoint,
    history: checkpoint.identity.id,
    scratch: (operatorId) => checkpoint.scratch(operatorId),
    deadLetters: join(directory, "dead-letters"),
    [Symbol.asyncDispose]: () => checkpoint.close(),
  };
}

async function temporaryHome(plan: Plan, run: string): Promise<RunHome> {
  const directory = await mkdtemp(join(tmpdir(), "sferic-run-"));
  return {
    checkpoint: null,
    history: randomUUID(),
    scratch: (operatorId) => join(directory, operatorId),
    deadLetters: join(plan.baseDirectory, ".sferic", "dead-letters", plan.spec.name, run),
    [Symbol.asyncDispose]: () => remove(directory),
  };
}
