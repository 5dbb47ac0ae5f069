import { visible } from "@sferic/operator/visible";
import { relative } from "node:path";
import type { RunResult } from "@sferic/engine";
import { failureText } from "./failure.ts";
import type { ToldRun } from "./run-plan.ts";
import type { Paint } from "./terminal.ts";
import { bytesText, counted, countText, keptText, secondsText, textTable } from "./text.ts";

const filesShownMax = 5;
const invalidShownMax = 10;

/** What a run did, for people; with `verbose` an internal error shows its stack. */
export function runSummary({ result, invalid, checkpoint }: ToldRun, paint: Paint, verbose = false): string {
  const sections = [
    operatorTable(result, paint),
    outputs(result),
    invalidInputs(result, invalid),
    rest(result),
    nothingNew(result),
  ];
  const headline = `${paint("bold", result.pipeline)} ${stateText(result, paint)}`;
  const failure = result.error === undefined ? [] : [whyFailed(result.error, checkpoint, paint, verbose)];
  return [headline, ...sections.filter((section) => section !== ""), ...failure].join("\n\n");
}

function stateText(result: RunResult, paint: Paint): string {
  const color = { succeeded: "green", stopped: "yellow", failed: "red" } as const;
  const epochs = result.epochs === 0 && result.state !== "failed" ? "nothing was new" : counted(result.epochs, "epoch");
  const state = paint(color[result.state], result.state);
  return `${state} in ${secondsText(result.seconds.total)}, ${epochs}, ${bytesText(result.peakMemoryBytes)} of memory at most`;
}

function operatorTable(result: RunResult, paint: Paint): string {
  if (result.epochs === 0) return "";
  const rows = Object.entries(result.operators).map(([id, { kind, rowsIn, rowsOut, bytesRead, ports, state }]) => [
    id,
    kind,
    rowsIn === undefined ? "" : countText(rowsIn),
    rowsOut === undefined ? "" : countText(rowsOut),
    [
      ...(bytesRead ? [`${bytesText(bytesRead)} read`] : []),
      ...Object.entries(ports ?? {}).map(([port, count]) => `${port}: ${countText(count)}`),
      ...(state === undefined ? [] : [keptText(state)]),
    ].join(", "),
  ]);
  const columns = [
    { title: "operator" },
    { title: "kind" },
    { title: "rows in", align: "right" },
    { title: "rows out", align: "right" },
    { title: "" },
  ] as const;
  return textTable(columns, rows, (line) => paint("dim", line));
}

function outputs(result: RunResult): string {
  const lines = Object.entries(result.operators).flatMap(([id, { files = [], delivery }]) => {
    if (files.length === 0) return [];
    const shown = files.slice(-filesShownMax).map((file) => `  ${placeText(file)}`);
    const more = files.length > filesShownMax ? [`  and ${countText(files.length - filesShownMax)} before these`] : [];
    return [`${id} wrote, ${delivery}:`, ...shown, ...more];
  });
  return lines.join("\n");
}

/** A path as short as it can be said from the working folder. */
export function placeText(path: string): string {
  const near = relative(process.cwd(), path);
  return near !== "" && !near.startsWith("..") ? near : path;
}

function invalidInputs({ rows, deadLetters }: RunResult, invalid: ToldRun["invalid"]): string {
  if (rows.invalid === 0) return "";
  const shown = invalid.slice(0, invalidShownMax).map(({ name, reason }) => `  ${visible(`${name}: ${reason}`)}`);
  const left = rows.invalid - shown.length;
  return [
    `${counted(rows.invalid, "piece")} of input could not be read:`,
    ...shown,
    ...(left > 0 && shown.length > 0 ? [`  … and ${countText(left)} more`] : []),
    ...deadLetters.map((path) => `  listed in ${placeText(path)}`),
  ].join("\n");
}

/** A misspelt path reads nothing either. */
function nothingNew({ epochs, state }: RunResult): string {
  if (epochs > 0 || state !== "succeeded") return "";
  return "No source had anything that was not read before. Where rows should come, check --level sample says where they stop.";
}

function rest({ rows }: RunResult): string {
  return rows.late === 0 ? "" : `${counted(rows.late, "row")} came too late for their window.`;
}

function whyFailed(
  error: NonNullable<RunResult["error"]>,
  checkpoint: string | null,
  paint: Paint,
  verbose: boolean,
): string {
  const lines = [failureText(error, paint, verbose)];
  const resumable = checkpoint !== null && !error.code.startsWith("checkpoint-");
  if (resumable) lines.push("Committed epochs are kept: the same command goes on after the newest of them.");
  return lines.join("\n");
}
