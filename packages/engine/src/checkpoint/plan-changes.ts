import { join } from "node:path";
import { OperatorError, type SourceDefinition, type TransformDefinition } from "@sferic/operator";
import { namesIn } from "@sferic/operator/durable-files";
import type { Plan, PlannedOperator } from "../plan.ts";
import { fingerprint } from "./records.ts";

/** What a checkpoint keeps of an operator to tell later what has changed; of values only their fingerprints. */
export interface OperatorOutline {
  readonly kind: "source" | "transform" | "sink";
  readonly type: string;
  /** Fields of the operator's own, and `from`, `watermark` and `outputMode`. */
  readonly fields: Readonly<Record<string, string>>;
}

/** The operators of a plan by id. */
export type PlanOutline = Readonly<Record<string, OperatorOutline>>;

/**
 * What a change of the spec means for a checkpoint. `safe`: it holds from the next epoch on. `reset`: what the checkpoint
 * keeps of the operator no longer fits. `refused`: the id now means something else. A run begins only where all are safe.
 */
export interface PlanChange {
  readonly operatorId: string;
  readonly effect: "safe" | "reset" | "refused";
  readonly message: string;
}

/** The outline of a plan. */
export function outlineOf({ operators }: Pick<Plan, "operators">): PlanOutline {
  return Object.fromEntries(operators.map((operator) => [operator.node.id, operatorOutline(operator)]));
}

function operatorOutline({ node }: PlannedOperator): OperatorOutline {
  const { kind, type, config, inputs: from, watermark, outputMode } = node;
  const fields = Object.entries({ ...config, from, watermark, outputMode }).filter(([, value]) => value !== undefined);
  return { kind, type, fields: Object.fromEntries(fields.map(([name, value]) => [name, fingerprint(value)])) };
}

/** The changes from the plan that a checkpoint was last run with, by id. */
export async function changesOf(directory: string, before: PlanOutline, plan: Plan): Promise<PlanChange[]> {
  const withState = new Set(await namesIn(join(directory, "state")));
  const after = outlineOf(plan);
  const ids = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted();
  return ids.flatMap((id) => {
    const [old, now] = [before[id], after[id]];
    if (old === undefined) return [added(id, now!)];
    if (now === undefined) return [removed(id, old)];
    if (old.kind !== now.kind || old.type !== now.type) return [replaced(id, old, now)];
    const fields = changedFields(old, now);
    const { definition } = plan.operators.find(({ node }) => node.id === id)!;
    return fields.length === 0 ? [] : [changed(id, now, fields, definition, withState.has(id))];
  });
}

/** Throws `checkpoint-mismatch`, naming them all, when one of the changes is not safe. */
export function requireSafe(directory: string, changes: readonly PlanChange[]): void {
  const unsafe = changes.filter(({ effect }) => effect !== "safe");
  if (unsafe.length === 0) return;
  const listed = unsafe.map(({ effect, message }) => `- ${effect === "reset" ? "needs a reset" : effect}: ${message}`);
  const message = `The spec has changed so that it no longer fits the checkpoint ${directory}:\n${listed.join("\n")}\nUndo this; or give these operators other ids, under which they begin anew; or reset the checkpoint, and remove the outputs.`;
  throw new OperatorError({ code: "checkpoint-mismatch", message, details: { changes } });
}

function changedFields(old: OperatorOutline, now: OperatorOutline): string[] {
  const names = new Set([...Object.keys(old.fields), ...Object.keys(now.fields)]);
  return [...names].filter((name) => old.fields[name] !== now.fields[name]).toSorted();
}

function added(operatorId: string, { kind }: OperatorOutline): PlanChange {
  const what = {
    source: "it is read from its beginning",
    transform: "it sees rows from now on",
    sink: "it gets rows from now on",
  };
  return { operatorId, effect: "safe", message: `the ${kind} "${operatorId}" is new; ${what[kind]}` };
}

function removed(operatorId: string, { kind }: OperatorOutline): PlanChange {
  const what = kind === "source" ? "; if it comes back, it goes on where it was" : "";
  return { operatorId, effect: "safe", message: `the ${kind} "${operatorId}" is no longer there${what}` };
}

/** What is staged for a sink is looked at when a prepared epoch is published. */
function replaced(operatorId: string, old: OperatorOutline, now: OperatorOutline): PlanChange {
  const message = `"${operatorId}" was a ${old.kind} of the type "${old.type}" and is now a ${now.kind} of the type "${now.type}"`;
  const isSafe = old.kind === "sink" && now.kind === "sink";
  return { operatorId, effect: isSafe ? "safe" : "refused", message };
}

function changed(
  operatorId: string,
  { kind }: OperatorOutline,
  fields: readonly string[],
  definition: PlannedOperator["definition"],
  hasState: boolean,
): PlanChange {
  const named = `of the ${kind} "${operatorId}", ${fields.map((name) => `"${name}"`).join(", ")} changed`;
  const { positionFields = [] } = kind === "source" ? (definition as SourceDefinition) : {};
  if (fields.some((name) => positionFields.includes(name))) {
    return { operatorId, effect: "reset", message: `${named}, without which it is not known how far it was read` };
  }
  const { limitFields = [] } = kind === "transform" ? (definition as TransformDefinition) : {};
  if (hasState && fields.some((name) => !limitFields.includes(name)))
    return {
      operatorId,
      effect: "reset",
      message: `${named}, and it remembers rows of before`,
    };
  return { operatorId, effect: "safe", message: `${named}; this holds from the next epoch on` };
}
