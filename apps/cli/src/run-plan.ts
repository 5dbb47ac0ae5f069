import { type Plan, runPlan, type RunEvent, type RunOptions, type RunResult, withIssues } from "@sferic/engine";
import type { Issue } from "@sferic/spec";
import { listenForSignals } from "./interruption.ts";
import { Progress } from "./progress.ts";
import type { Terminal } from "./terminal.ts";

/** One piece of input that could not become rows. */
export type InvalidEvent = Extract<RunEvent, { type: "invalid" }>;

/** A run as the command line tells it. */
export interface ToldRun {
  readonly result: RunResult;
  readonly invalid: readonly InvalidEvent[];
  /** Absolute path; null for a run without. */
  readonly checkpoint: string | null;
}

/** How many invalid inputs are kept for the summary. */
const invalidKeptMax = 100;

/**
 * Runs a plan with progress on the terminal. The first SIGINT or SIGTERM ends it after the epoch in work, the second
 * gives it up. `planned` is what making the plan took and said; `run` is another way to run it.
 */
export async function runWithProgress(
  plan: Plan,
  terminal: Terminal,
  options: RunOptions,
  planned: { readonly seconds: number; readonly issues: readonly Issue[] },
  run: (plan: Plan, options: RunOptions) => Promise<RunResult> = runPlan,
): Promise<ToldRun> {
  const progress = new Progress(terminal);
  const invalid: InvalidEvent[] = [];
  let checkpoint: string | null = null;
  using interruption = listenForSignals(() => {
    progress.say("Stopping after the epoch in work; once more gives it up.");
  });
  const onEvent = (event: RunEvent): void => {
    if (!isKnown(event, planned.issues)) progress.take(event);
    if (event.type === "started") checkpoint = event.checkpoint;
    if (event.type === "invalid" && invalid.length < invalidKeptMax) invalid.push(event);
  };
  const { drain, signal } = interruption;
  try {
    const result = await run(plan, { ...options, drain, signal, onEvent });
    return { result: withPlanning(result, planned), invalid, checkpoint };
  } finally {
    progress.stop();
  }
}

/** Whether planning has reported it. */
function isKnown(event: RunEvent, issues: readonly Issue[]): boolean {
  return event.type === "warning" && issues.some((issue) => issue.message === event.message);
}

function withPlanning(
  result: RunResult,
  { seconds, issues }: { readonly seconds: number; readonly issues: readonly Issue[] },
): RunResult {
  const total = result.seconds.total + seconds;
  return { ...withIssues(result, issues), seconds: { ...result.seconds, total, plan: seconds } };
}
