import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ExitCode } from "../exit-code.ts";
import type { CommonOptions } from "../failure.ts";
import { listenForSignals } from "../interruption.ts";
import { issuesText, planSpec } from "../planning.ts";
import type { Terminal } from "../terminal.ts";
import { TortureProgressLine } from "../torture/progress-line.ts";
import { tortureReport } from "../torture/report.ts";
import { torture } from "../torture/torture.ts";

export interface TortureCommandOptions extends CommonOptions {
  readonly param?: Readonly<Record<string, string>>;
  readonly kills: number;
  readonly seed: number;
}

/** Kills a copy of a pipeline over and over and tells what became of its rows; ends with 1 when a promise was broken. */
export async function tortureSpec(terminal: Terminal, path: string, options: TortureCommandOptions): Promise<ExitCode> {
  const parameters = options.param ?? {};
  const { plan, issues, document } = await planSpec(path, {
    secrets: terminal.secrets,
    param: parameters,
    probe: true,
  });
  if (plan === null) {
    if (options.json === true) terminal.printJson({ issues });
    else terminal.note(issuesText(issues, document, terminal.colorErr));
    return ExitCode.specInvalid;
  }
  const folder = await mkdtemp(join(tmpdir(), "sferic-torture-"));
  const progress = new TortureProgressLine(terminal);
  using interruption = listenForSignals(() => terminal.note("Stopping."));
  let isTidy = true;
  try {
    const result = await torture(plan, {
      parameters,
      folder,
      randomKills: options.kills,
      seed: options.seed,
      drain: interruption.drain,
      onProgress: (state) => progress.take(state),
    });
    isTidy = result.failures.length === 0;
    progress.stop();
    if (options.json === true) terminal.printJson(result);
    else terminal.print(tortureReport(result, terminal.paintOut));
    if (result.interrupted) return ExitCode.interrupted;
    return isTidy ? ExitCode.done : ExitCode.runFailed;
  } finally {
    progress.stop();
    if (isTidy) await rm(folder, { recursive: true, force: true });
  }
}
