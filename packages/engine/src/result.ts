import type { ErrorData, OperatorError } from "@sferic/operator";
import type { StateReport } from "./checkpoint/states.ts";

/** What happened at one operator, over one epoch or a whole run. */
export interface OperatorCounts {
  readonly kind: "source" | "transform" | "sink";
  rowsIn: number;
  rowsOut: number;
  /** Pieces of input that could not become rows. Sources only. */
  invalid: number;
  bytesRead: number;
  /** Rows per output port beside `main`. */
  ports: Record<string, number>;
  /** Seconds spent in the operator itself, waiting for input and for room downstream left out. */
  seconds: number;
}

/** Seconds per phase, for an epoch or a run. Reading and transforming overlap; both end when the last row is staged. */
export interface PhaseSeconds {
  plan: number;
  read: number;
  transform: number;
  stage: number;
  publish: number;
  commit: number;
}

/** One operator in a {@link RunResult}. */
export interface OperatorResult {
  kind: "source" | "transform" | "sink";
  rowsIn?: number;
  rowsOut?: number;
  invalid?: number;
  bytesRead?: number;
  ports?: Record<string, number>;
  /** What it remembers after the newest epoch. */
  state?: StateReport;
  files?: string[];
  delivery?: string;
}

/** What a run leaves as its last word: the same object on the command line, over HTTP and embedded. */
export interface RunResult {
  run: string;
  pipeline: string;
  state: "succeeded" | "stopped" | "failed";
  epochs: number;
  rows: { read: number; written: number; late: number; invalid: number };
  operators: Record<string, OperatorResult>;
  watermarks: Record<string, string>;
  seconds: PhaseSeconds & { total: number };
  peakMemoryBytes: number;
  /** Where input that could not become rows is listed, when there was any without a reader. */
  deadLetters: string[];
  /** Warnings: of the plan where the run was planned with it, and of the run. */
  issues: unknown[];
  /** Why it failed: in the process that ran it the error itself, with its stack and cause, and data once it was JSON. */
  error?: OperatorError | ErrorData;
}

/** Counts of an operator that has not run. */
export function noCounts(kind: OperatorCounts["kind"]): OperatorCounts {
  return { kind, rowsIn: 0, rowsOut: 0, invalid: 0, bytesRead: 0, ports: {}, seconds: 0 };
}

/** Adds `more` to `total`. */
export function addCounts(total: OperatorCounts, more: OperatorCounts): void {
  total.rowsIn += more.rowsIn;
  total.rowsOut += more.rowsOut;
  total.invalid += more.invalid;
  total.bytesRead += more.bytesRead;
  total.seconds += more.seconds;
  for (const [port, rows] of Object.entries(more.ports)) total.ports[port] = (total.ports[port] ?? 0) + rows;
}
