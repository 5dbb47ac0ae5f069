import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { queryDatabase } from "@sferic/bindings/relational";
import type { RunResult } from "@sferic/engine";
import { OperatorError, type Row, rowsOf } from "@sferic/operator";
import { prepareDemoFolder } from "../demo-folder.ts";
import { ExitCode, exitCodeOf } from "../exit-code.ts";
import type { CommonOptions } from "../failure.ts";
import { ownCommand, repository, shellWord } from "../own-command.ts";
import { issuesText, planSpec } from "../planning.ts";
import { runWithProgress } from "../run-plan.ts";
import { placeText, runSummary } from "../run-summary.ts";
import type { Terminal } from "../terminal.ts";
import { bytesText, counted, countText, indented, secondsText, textTable } from "../text.ts";

export interface DemoOptions extends CommonOptions {
  readonly out: string;
  readonly open?: boolean;
}

const pipelines = ["lightning-stream", "lightning-clusters"] as const;

/** The two lightning pipelines over the granules of the repository, always from the beginning. */
export async function demo(terminal: Terminal, options: DemoOptions): Promise<ExitCode> {
  const granules = resolve(repository, "apps/cases/data/glm");
  if (!existsSync(granules)) {
    const message = `The demo needs the granules of a checkout, and ${granules} is not there. Clone the repository and run it there.`;
    throw new OperatorError({ code: "usage", message });
  }
  const out = resolve(options.out);
  await prepareDemoFolder(out);
  const results: RunResult[] = [];
  for (const name of pipelines) {
    const result = await runPipeline(terminal, name, { granules, out }, options);
    results.push(result);
    if (result.state === "succeeded") continue;
    if (options.json === true) terminal.printJson({ directory: out, runs: results });
    return result.error === undefined ? ExitCode.interrupted : exitCodeOf(result.error.code);
  }
  const findings = await findingsOf(resolve(out, "lightning.duckdb"));
  if (options.json === true) terminal.printJson({ directory: out, ...findings, runs: results });
  else terminal.print(closing(out, findings, terminal));
  if (options.open === true) openFile(terminal, resolve(out, "report.html"));
  return ExitCode.done;
}

async function runPipeline(
  terminal: Terminal,
  name: string,
  param: Record<string, string>,
  options: DemoOptions,
): Promise<RunResult> {
  const started = performance.now();
  const { plan, issues, document } = await planSpec(specPath(name), { secrets: terminal.secrets, param, probe: true });
  if (plan === null) {
    const message = `The pipeline ${name} has mistakes.\n${issuesText(issues, document, terminal.colorErr)}`;
    throw new OperatorError({ code: "spec-invalid", message });
  }
  const seconds = (performance.now() - started) / 1000;
  const told = await runWithProgress(plan, terminal, {}, { seconds, issues });
  if (told.result.error !== undefined) terminal.note(runSummary(told, terminal.paintErr, options.verbose));
  else if (options.json !== true) terminal.print(`${terminal.paintOut("green", "✓")} ${runText(told.result)}`);
  return told.result;
}

function runText({ pipeline, operators, rows, seconds }: RunResult): string {
  const bytes = Object.values(operators).reduce((sum, { bytesRead = 0 }) => sum + bytesRead, 0);
  const read = `${countText(rows.read)} flashes out of ${bytesText(bytes)} of granules`;
  return `${pipeline}: ${read}, ${counted(rows.written, "row")} written in ${secondsText(seconds.total)}`;
}

/** Numbers that a newcomer can compare with the pictures. */
interface Findings {
  readonly flashes: number;
  readonly satellites: number;
  readonly clusters: number;
  /** Number of clusters with the largest mean silhouette, of those tried. */
  readonly bestClusterCount: number | null;
  readonly silhouette: number | null;
  /** Number of clusters at the bend of the elbow curve. */
  readonly kneeClusterCount: number | null;
}

async function findingsOf(database: string): Promise<Findings> {
  const flashes = await firstRow(database, "SELECT count(*) AS flashes FROM flashes");
  const labels = await firstRow(
    database,
    "SELECT count(DISTINCT cluster) AS clusters, count(DISTINCT satellite) AS satellites FROM cluster_analysis",
  );
  const choice = await firstRow(
    database,
    `SELECT max(k) FILTER (WHERE best) AS "bestClusterCount", max(silhouette) FILTER (WHERE best) AS silhouette,
            max(k) FILTER (WHERE knee) AS "kneeClusterCount" FROM cluster_choice`,
  );
  return { ...flashes, ...labels, ...choice } as unknown as Findings;
}

async function firstRow(database: string, sql: string): Promise<Row> {
  const batch = await queryDatabase(database, sql);
  const [row] = rowsOf(batch, 1);
  batch.close();
  return row!;
}

function closing(out: string, findings: Findings, terminal: Terminal): string {
  const bold = (text: string): string => terminal.paintOut("bold", text);
  return [
    "",
    bold("What came out"),
    indented(findingsText(findings)),
    "",
    bold("Where it is"),
    indented(textTable([{ title: "" }, { title: "" }], places(out)).trimStart()),
    "",
    bold("What to try next"),
    indented(nextCommands(out).join("\n")),
  ].join("\n");
}

function findingsText({
  flashes,
  satellites,
  clusters,
  bestClusterCount,
  silhouette,
  kneeClusterCount,
}: Findings): string {
  const lines = [
    `${countText(flashes)} flashes seen by ${counted(satellites, "satellite")}, in ${counted(clusters, "cluster")}`,
  ];
  if (bestClusterCount !== null && silhouette !== null) {
    lines.push(`best number of clusters by silhouette: ${bestClusterCount} (mean silhouette ${silhouette.toFixed(3)})`);
  }
  if (kneeClusterCount !== null) lines.push(`the elbow bends at ${kneeClusterCount} clusters`);
  return lines.join("\n");
}

function places(out: string): string[][] {
  const place = (name: string): string => placeText(resolve(out, name));
  return [
    ["map and curves", place("report.html")],
    ["map as a picture", place("report-map.png")],
    ["flashes as Parquet", place("geospatial/")],
    ["flashes as CSV", place("csv/")],
    ["flashes, clusters, choice", place("lightning.duckdb")],
    ["centroids as Parquet", place("centroids/")],
  ];
}

/** Commands that work as they stand, from the working folder. */
function nextCommands(out: string): string[] {
  const sferic = ownCommand();
  const clusters = shellWord(placeText(specPath("lightning-clusters")));
  const stream = shellWord(placeText(specPath("lightning-stream")));
  return [
    `${sferic} explain ${clusters}`,
    `${sferic} preview ${clusters} clusters.centroids`,
    `${sferic} run ${stream} --param out=${shellWord(resolve(out, "again"))}`,
    `${sferic} operators kmeans`,
  ];
}

function specPath(name: string): string {
  return resolve(repository, "apps/cases", name, "pipeline.json");
}

function openFile(terminal: Terminal, path: string): void {
  const opener = { darwin: "open", win32: "explorer" }[process.platform as string] ?? "xdg-open";
  const child = spawn(opener, [path], { stdio: "ignore", detached: true });
  child.on("error", () => terminal.note(`${opener} is not there to open it; open ${path} in a browser.`));
  child.unref();
}
