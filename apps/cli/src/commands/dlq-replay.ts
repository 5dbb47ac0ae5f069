import { visible } from "@sferic/operator/visible";
import { resolve } from "node:path";
import { replayDeadLetters, type ReplayResult } from "@sferic/engine";
import { ExitCode, exitCodeOf } from "../exit-code.ts";
import type { CommonOptions } from "../failure.ts";
import { issuesText, planSpec } from "../planning.ts";
import { runWithProgress } from "../run-plan.ts";
import { runSummary } from "../run-summary.ts";
import type { Terminal } from "../terminal.ts";
import { counted } from "../text.ts";

export interface ReplayCommandOptions extends CommonOptions {
  readonly param?: Readonly<Record<string, string>>;
  readonly checkpoint?: string;
  /** Only the dead letters of this source. */
  readonly source?: string;
}

/** Reads the input of dead letters again, as one more epoch of the pipeline. Letters that stay are told with the reason. */
export async function replayLetters(
  terminal: Terminal,
  path: string,
  options: ReplayCommandOptions,
): Promise<ExitCode> {
  const started = performance.now();
  const { plan, issues, document } = await planSpec(path, {
    secrets: terminal.secrets,
    param: options.param ?? {},
    probe: true,
    ...(options.checkpoint === undefined ? {} : { checkpoint: resolve(options.checkpoint) }),
  });
  const seconds = (performance.now() - started) / 1000;
  if (plan === null) {
    if (options.json === true) terminal.printJson({ issues });
    else terminal.note(issuesText(issues, document, terminal.colorErr));
    return ExitCode.specInvalid;
  }
  const runOptions = {
    ...(options.checkpoint === undefined ? {} : { checkpoint: resolve(options.checkpoint) }),
    ...(options.source === undefined ? {} : { source: options.source }),
  };
  let replay: ReplayResult | undefined;
  const told = await runWithProgress(plan, terminal, {}, { seconds, issues }, async (planned, progress) => {
    replay = await replayDeadLetters(planned, { ...progress, ...runOptions });
    return replay.result;
  });
  const { replayed, failedAgain, left } = replay!;
  const { result } = told;
  if (options.json === true) terminal.printJson({ ...result, replayed, failedAgain, left });
  else {
    terminal.note(runSummary(told, terminal.paintErr, options.verbose));
    if (result.error === undefined) terminal.print(outcomeText(replay!));
  }
  return result.error === undefined ? ExitCode.done : exitCodeOf(result.error.code);
}

function outcomeText({ replayed, failedAgain, left }: ReplayResult): string {
  if (replayed.length + left.length === 0) return "There are no dead letters to replay.";
  const again = failedAgain.length === 0 ? "" : `, of which ${failedAgain.length} could still not be read`;
  return [
    `${counted(replayed.length, "dead letter")} replayed${again}.`,
    ...left.map(({ letter, reason }) => visible(`Left: ${letter.source}: ${letter.name}: ${reason}`)),
  ].join("\n");
}
