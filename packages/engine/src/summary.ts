import { randomUUID } from "node:crypto";
import type { OperatorError, SinkDefinition } from "@sferic/operator";
import type { Issue } from "@sferic/spec";
import type { StateReports } from "./checkpoint/states.ts";
import { deliveryOf, type Plan } from "./plan.ts";
import {
  addCounts,
  noCounts,
  type OperatorCounts,
  type OperatorResult,
  type PhaseSeconds,
  type RunResult,
} from "./result.ts";

/** Adds up what a run did and says it as a {@link RunResult}. */
export class RunSummary {
  readonly run: string = randomUUID();
  durable = false;
  /** Per operator that declares an event time, how far its watermark has got. */
  watermarks: Readonly<Record<string, string>> = {};
  /** Per operator that remembers something, how much after the newest epoch. */
  states: StateReports = {};
  readonly deadLetters: string[] = [];
  readonly #issues: Issue[] = [];
  readonly #plan: Plan;
  readonly #started = performance.now();
  readonly #counts: Map<string, OperatorCounts>;
  readonly #files = new Map<string, Set<string>>();
  readonly #seconds: PhaseSeconds = { plan: 0, read: 0, transform: 0, stage: 0, publish: 0, commit: 0 };
  #written = 0;
  #epochs = 0;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#counts = new Map(plan.operators.map(({ node }) => [node.id, noCounts(node.kind)]));
  }

  get epochs(): number {
    return this.#epochs;
  }

  /** One committed epoch. */
  add(
    operators: Readonly<Record<string, OperatorCounts>>,
    sinks: Readonly<Record<string, { readonly rows: number; readonly files: readonly string[] }>>,
    seconds: PhaseSeconds,
  ): void {
    this.#epochs += 1;
    for (const [id, counts] of Object.entries(operators)) {
      const total = this.#counts.get(id);
      if (total !== undefined) addCounts(total, counts);
    }
    for (const [id, { rows, files }] of Object.entries(sinks)) {
      this.#written += rows;
      const known = this.#files.get(id) ?? new Set();
      this.#files.set(id, known);
      for (const file of files) known.add(file);
    }
    for (const phase of Object.keys(this.#seconds) as (keyof PhaseSeconds)[]) this.#seconds[phase] += seconds[phase];
  }

  /** A warning of an operator. */
  warn(operatorId: string, code: string, message: string): void {
    const { pointer } = this.#plan.operators.find(({ node }) => node.id === operatorId)!.node;
    this.#issues.push(this.#plan.document.issueAt({ code, severity: "warning", message, pointer, keyRange: true }));
  }

  finish(state: RunResult["state"], error?: OperatorError): RunResult {
    const counts = [...this.#counts.values()];
    const sum = (rows: (counts: OperatorCounts) => number): number =>
      counts.reduce((total, one) => total + rows(one), 0);
    return {
      run: this.run,
      pipeline: this.#plan.spec.name,
      state,
      epochs: this.#epochs,
      rows: {
        read: sum((one) => (one.kind === "source" ? one.rowsOut : 0)),
        written: this.#written,
        late: sum((one) => one.ports["late"] ?? 0),
        invalid: sum((one) => one.invalid + (one.kind === "transform" ? (one.ports["invalid"] ?? 0) : 0)),
      },
      operators: Object.fromEntries(this.#plan.operators.map(({ node }) => [node.id, this.#operator(node.id)])),
      watermarks: { ...this.watermarks },
      seconds: { total: (performance.now() - this.#started) / 1000, ...this.#seconds },
      peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
      deadLetters: this.deadLetters,
      issues: [...this.#issues],
      ...(error === undefined ? {} : { error }),
    };
  }

  #operator(id: string): OperatorResult {
    const counts = this.#counts.get(id)!;
    const { definition } = this.#plan.operators.find(({ node }) => node.id === id)!;
    const { kind, rowsIn, rowsOut, bytesRead, invalid, ports } = counts;
    if (kind === "source") return { kind, rowsOut, bytesRead, invalid, ports };
    const state = this.states[id];
    if (kind === "transform") return { kind, rowsIn, rowsOut, ports, ...(state === undefined ? {} : { state }) };
    const delivery = deliveryOf(definition as SinkDefinition, this.durable);
    return { kind, rowsIn, files: [...(this.#files.get(id) ?? [])], delivery };
  }
}
