import { runSpecTests, type TestResult } from "@sferic/engine";
import { OperatorError } from "@sferic/operator";
import { ExitCode } from "../exit-code.ts";
import type { CommonOptions } from "../failure.ts";
import { listenForSignals } from "../interruption.ts";
import { issuesText, planSpec } from "../planning.ts";
import type { Terminal } from "../terminal.ts";
import { testReport } from "../test-report.ts";

export interface TestCommandOptions extends CommonOptions {
  readonly param?: Readonly<Record<string, string>>;
  /** Only tests whose name contains this text. */
  readonly filter?: string;
}

/** Runs the tests that a spec carries; ends with 1 when one fails. No source and no sink opens. */
export async function test(terminal: Terminal, path: string, options: TestCommandOptions): Promise<ExitCode> {
  const { plan, issues, document } = await planSpec(path, {
    secrets: terminal.secrets,
    param: options.param ?? {},
    probe: true,
    requiresInputs: false,
  });
  if (plan === null) {
    if (options.json === true) terminal.printJson({ issues });
    else terminal.note(issuesText(issues, document, terminal.colorErr));
    return ExitCode.specInvalid;
  }
  using interruption = listenForSignals(() => {});
  const tests = await runSpecTests(plan, {
    signal: interruption.drain,
    ...(options.filter === undefined ? {} : { filter: options.filter }),
  });
  if (tests.length === 0) throw noTests(plan.spec.tests?.map(({ name }) => name) ?? [], options.filter);
  if (options.json === true) terminal.printJson({ tests });
  else terminal.print(testReport(tests, terminal.paintOut));
  return tests.every((result: TestResult) => result.passed) ? ExitCode.done : ExitCode.runFailed;
}

/** To run no test and say that nothing failed would deceive. */
function noTests(names: readonly string[], filter: string | undefined): OperatorError {
  const message =
    names.length === 0
      ? 'The spec has no tests. Add some as "tests": [{ "name": …, "given": { "<source>": [rows] }, "expect": { "<operator>": [rows] } }].'
      : `No test has "${filter}" in its name; there are ${names.map((name) => `"${name}"`).join(", ")}.`;
  return new OperatorError({ code: "no-tests", message });
}
