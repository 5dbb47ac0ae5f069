import { randomUUID } from "node:crypto";
import { chmod, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Plan, previewOperator } from "@sferic/engine";
import { asOperatorError, OperatorError } from "@sferic/operator";
import { applyFixes, fixOf, type Issue, sortIssues, type SpecDocument } from "@sferic/spec";
import { ExitCode } from "../exit-code.ts";
import type { CommonOptions } from "../failure.ts";
import { issuesText, planText } from "../planning.ts";
import { readSpec, type SpecText } from "../spec-text.ts";
import type { Terminal } from "../terminal.ts";
import { counted } from "../text.ts";

export interface CheckOptions extends CommonOptions {
  readonly level: "static" | "connect" | "sample";
  readonly fix?: boolean;
  readonly param?: Readonly<Record<string, string>>;
}

/** How often fixes are applied again, for fixes that overlap. */
const fixRoundsMax = 10;
const sampleRows = 5;

/** Every issue of a spec at once; with `fix` the spec is rewritten first (standard input to standard output). */
export async function check(terminal: Terminal, path: string, options: CheckOptions): Promise<ExitCode> {
  let source = await readSpec(path);
  if (options.fix === true) source = await fixed(terminal, source, options);
  const { issues, document } = await checkedText(terminal, source, options);
  const toStdout = !(options.fix === true && source.file === undefined);
  const say = (text: string): void => (toStdout ? terminal.print(text) : terminal.note(text));
  if (options.json === true && toStdout) terminal.printJson({ issues });
  else if (options.json === true) terminal.noteJson({ issues });
  else if (issues.length > 0) say(issuesText(issues, document, toStdout ? terminal.colorOut : terminal.colorErr));
  else say(`${source.file ?? "The spec"}: no issues`);
  return issues.some((issue) => issue.severity === "error") ? ExitCode.specInvalid : ExitCode.done;
}

async function checkedText(
  terminal: Terminal,
  source: SpecText,
  { level, param }: CheckOptions,
): Promise<{ issues: readonly Issue[]; document: SpecDocument }> {
  const { plan, issues, document } = await planText(source, {
    secrets: terminal.secrets,
    param: param ?? {},
    probe: level !== "static",
  });
  if (plan === null || level !== "sample") return { issues, document };
  return { issues: sortIssues([...issues, ...(await sampleIssues(plan))]), document };
}

/** Reads a few rows up to every sink; what goes wrong is an issue at the operator where it did. */
async function sampleIssues(plan: Plan): Promise<Issue[]> {
  const issues = new Map<string, Issue>();
  const report = (id: string, severity: Issue["severity"], code: string, message: string): void => {
    const { pointer } = plan.operators.find(({ node }) => node.id === id)!.node;
    issues.set(`${code} ${pointer}`, plan.document.issueAt({ code, severity, message, pointer, keyRange: true }));
  };
  for (const { node } of plan.operators.filter((operator) => operator.node.kind === "sink")) {
    for (const { operator, port } of Object.values(node.inputs).flat()) {
      try {
        const { rows, complete } = await previewOperator(plan, `${operator}.${port}`, { rows: sampleRows });
        // Another port has what went wrong: to be empty is its best.
        if (rows.length > 0 || !complete || port !== "main") continue;
        report(
          operator,
          "warning",
          "no-rows",
          `no row comes out of "${operator}": there is no input, or none gets that far`,
        );
      } catch (thrown) {
        const error = asOperatorError(thrown, operator);
        report(error.operatorId!, "error", error.code, error.message);
      }
    }
  }
  return [...issues.values()];
}

async function fixed(terminal: Terminal, source: SpecText, options: CheckOptions): Promise<SpecText> {
  let text = source.text;
  let count = 0;
  for (let round = 0; round < fixRoundsMax; round++) {
    const { issues } = await planText(
      { ...source, text },
      { secrets: terminal.secrets, param: options.param ?? {}, probe: false },
    );
    const better = applyFixes(text, issues);
    if (better === text) break;
    count += issues.filter((issue) => fixOf(issue) !== null).length;
    text = better;
  }
  // A line that ends with CR alone would overwrite itself on a terminal.
  if (source.file === undefined) terminal.write(text.replaceAll(/\r(?!\n)/g, "\n"));
  else if (text !== source.text) await replaceFile(source.file, text);
  if (count > 0) terminal.note(`Fixed ${counted(count, "issue")}.`);
  return { ...source, text };
}

/** Writes beside the file and renames, so that the spec is never half written. */
async function replaceFile(path: string, text: string): Promise<void> {
  const beside = join(dirname(path), `.${randomUUID()}.tmp`);
  try {
    const { mode } = await stat(path);
    await writeFile(beside, text, { flush: true });
    await chmod(beside, mode);
    await rename(beside, path);
  } catch (cause) {
    await rm(beside, { force: true });
    const message = `${path} cannot be rewritten: ${(cause as Error).message}`;
    throw new OperatorError({ code: "spec-not-writable", message, domain: "external" }, { cause });
  }
}
