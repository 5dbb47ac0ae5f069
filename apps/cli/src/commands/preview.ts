import { visible } from "@sferic/operator/visible";
import { type Preview, previewOperator } from "@sferic/engine";
import { columnsText } from "../columns.ts";
import { ExitCode } from "../exit-code.ts";
import type { CommonOptions } from "../failure.ts";
import { listenForSignals } from "../interruption.ts";
import { issuesText, planSpec } from "../planning.ts";
import { rowsText } from "../rows-text.ts";
import type { Paint, Terminal } from "../terminal.ts";
import { counted, secondsText } from "../text.ts";

export interface PreviewCommandOptions extends CommonOptions {
  readonly param?: Readonly<Record<string, string>>;
  readonly rows: number;
}

/** The first rows at one operator, with its columns and the time they took. No sink is opened. */
export async function preview(
  terminal: Terminal,
  path: string,
  target: string,
  options: PreviewCommandOptions,
): Promise<ExitCode> {
  const { plan, issues, document } = await planSpec(path, {
    secrets: terminal.secrets,
    param: options.param ?? {},
    probe: true,
  });
  if (plan === null) {
    if (options.json === true) terminal.printJson({ issues });
    else terminal.note(issuesText(issues, document, terminal.colorErr));
    return ExitCode.specInvalid;
  }
  if (issues.length > 0 && options.json !== true) terminal.note(`${issuesText(issues, document, terminal.colorErr)}\n`);
  using interruption = listenForSignals(() => {});
  const found = await previewOperator(plan, target, { rows: options.rows, signal: interruption.drain });
  if (options.json === true) terminal.printJson(found);
  else terminal.print(previewText(found, terminal.paintOut));
  return ExitCode.done;
}

/** A preview for people. */
export function previewText(
  { operator, port, schema, rows, complete, invalid, seconds }: Preview,
  paint: Paint,
): string {
  const title = port === "main" ? operator : `${operator}.${port}`;
  const extent = complete ? "all of the input was read" : "the rest of the input was not read";
  const dim = (line: string): string => paint("dim", line);
  return [
    paint("bold", title),
    schema === null ? "The columns are known when there is data." : columnsText(schema, dim),
    rows.length === 0 ? "No rows." : rowsText(rows, Object.keys(rows[0]!), dim),
    ...invalid.map(({ name, reason }) => visible(`Not read: ${name}: ${reason}`)),
    `${counted(rows.length, "row")} in ${secondsText(seconds)}; ${extent}.`,
  ].join("\n\n");
}
