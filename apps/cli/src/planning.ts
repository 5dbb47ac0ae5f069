import { type PlanResult, planPipeline, type Trigger } from "@sferic/engine";
import { OperatorError, type Registry } from "@sferic/operator";
import type { Secrets } from "@sferic/operator/secrets";
import { formatIssue, type Issue, type SpecDocument } from "@sferic/spec";
import { readSpec, type SpecText } from "./spec-text.ts";
import { counted } from "./text.ts";

/** What a command plans a spec with. */
export interface PlanningOptions {
  readonly param?: Readonly<Record<string, string>>;
  /** Whether sources are opened to learn schemas that nothing declares. */
  readonly probe: boolean;
  /** Whether an input that is not there is an issue. Default true. */
  readonly requiresInputs?: boolean;
  /** Checkpoint of the run, if it is not the spec's. */
  readonly checkpoint?: string;
  /** Folder from which relative paths count, if it is not the spec's. */
  readonly baseDirectory?: string;
  /** Where secrets are kept: those of the terminal are in no text on it. */
  readonly secrets?: Secrets;
  /** Trigger of the run, if it is not the spec's. */
  readonly trigger?: Trigger;
}

/** A plan with the text it came from. */
export type PlannedSpec = PlanResult & { readonly source: SpecText };

/** Reads and plans the spec at a path (`-` for standard input). Rejects when there is no text; mistakes in it are issues. */
export async function planSpec(path: string, options: PlanningOptions): Promise<PlannedSpec> {
  const source = await readSpec(path);
  return { source, ...(await planText(source, options)) };
}

/** Plans a spec that was read before. */
export async function planText(source: SpecText, options: PlanningOptions): Promise<PlanResult> {
  return planPipeline(source.text, {
    registry: await loadRegistry(),
    loadPlugin: async (name, baseDirectory) => (await import("./plugins.ts")).loadPlugin(name, baseDirectory),
    ...(source.file === undefined ? {} : { file: source.file }),
    ...(options.param === undefined ? {} : { parameters: options.param }),
    probe: options.probe,
    ...(options.secrets === undefined ? {} : { secrets: options.secrets }),
    requiresInputs: options.requiresInputs ?? true,
    ...(options.checkpoint === undefined ? {} : { checkpoint: options.checkpoint }),
    ...(options.baseDirectory === undefined ? {} : { baseDirectory: options.baseDirectory }),
    ...(options.trigger === undefined ? {} : { trigger: options.trigger }),
  });
}

/** The registry of built-in operators. Rejects with `core-missing` when the native addon cannot be loaded. */
export async function loadRegistry(): Promise<Registry> {
  try {
    return (await import("@sferic/catalog")).registry;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    const message = `The native core cannot be loaded: ${reason}. In a checkout, "npm run build" makes it; "sferic doctor" says more.`;
    throw new OperatorError({ code: "core-missing", message, domain: "external" }, { cause });
  }
}

/** Issues with their code frames, and a last line that counts them. */
export function issuesText(issues: readonly Issue[], document: SpecDocument, color: boolean): string {
  const frames = issues.map((issue) => formatIssue(issue, document, { color }));
  return [...frames, countIssues(issues)].join("\n\n");
}

function countIssues(issues: readonly Issue[]): string {
  const errors = issues.filter((issue) => issue.severity === "error").length;
  const warnings = issues.length - errors;
  const parts = [errors > 0 ? counted(errors, "error") : "", warnings > 0 ? counted(warnings, "warning") : ""];
  return parts.filter((part) => part !== "").join(", ");
}
