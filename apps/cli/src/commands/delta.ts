import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import {
  compactDelta,
  deltaDetails,
  deltaHistory as readHistory,
  vacuumDelta as vacuum,
} from "@sferic/bindings/delta-keep";
import { OperatorError } from "@sferic/operator";
import { compactedText, detailsText, historyText, vacuumedText } from "../delta-text.ts";
import { ExitCode } from "../exit-code.ts";
import type { CommonOptions } from "../failure.ts";
import type { Terminal } from "../terminal.ts";

export interface ShowDeltaOptions extends CommonOptions {
  readonly tableVersion?: number;
}

/** What a table is: version, columns, files, properties. */
export async function showDelta(terminal: Terminal, folder: string, options: ShowDeltaOptions): Promise<ExitCode> {
  const table = resolve(folder);
  const at = options.tableVersion === undefined ? {} : { version: options.tableVersion };
  const details = required(table, await deltaDetails(table, at));
  if (options.json === true) {
    const { schema, ...rest } = details;
    terminal.printJson({ table, ...rest, columns: schema.columns });
  } else terminal.print(detailsText(table, details, terminal.paintOut));
  return ExitCode.done;
}

export interface DeltaHistoryOptions extends CommonOptions {
  readonly limit: number;
}

/** The newest versions of a table. */
export async function deltaHistory(
  terminal: Terminal,
  folder: string,
  { limit, json }: DeltaHistoryOptions,
): Promise<ExitCode> {
  const table = resolve(folder);
  const history = required(table, await readHistory(table, limit));
  if (json === true) terminal.printJson({ table, history });
  else terminal.print(historyText(history, terminal.paintOut));
  return ExitCode.done;
}

export interface OptimizeDeltaOptions extends CommonOptions {
  readonly targetBytes: number;
  readonly compression: string;
}

/** Puts all small files of a table together. */
export async function optimizeDelta(
  terminal: Terminal,
  folder: string,
  { targetBytes, compression, json }: OptimizeDeltaOptions,
): Promise<ExitCode> {
  const table = resolve(folder);
  const compaction = { table, targetBytes, compression, tailOnly: false, name: randomUUID() };
  const done = required(table, await compactDelta(compaction));
  if (json === true) terminal.printJson({ table, ...done });
  else terminal.print(compactedText(table, done));
  return ExitCode.done;
}

export interface VacuumDeltaOptions extends CommonOptions {
  readonly retainHours?: number;
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

/** Removes the files of a table that no version needs any more, or says which these are. */
export async function vacuumDelta(terminal: Terminal, folder: string, options: VacuumDeltaOptions): Promise<ExitCode> {
  const { retainHours, force = false, dryRun = false } = options;
  const table = resolve(folder);
  const retention = retainHours === undefined ? {} : { retentionHours: retainHours };
  const done = required(table, await vacuum({ table, force, dryRun, ...retention }));
  if (options.json === true) terminal.printJson({ table, dryRun, ...done });
  else terminal.print(vacuumedText(table, done, dryRun));
  return ExitCode.done;
}

function required<T>(table: string, found: T | null): T {
  if (found !== null) return found;
  const message = `There is no Delta table in ${table}. Check the path; it is the folder with "_delta_log" in it.`;
  throw new OperatorError({ code: "not-found", message, details: { path: table } });
}
