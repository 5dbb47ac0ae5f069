import type { PipelineSpec, OperatorNode, SpecDocument, Issue } from "@sferic/spec";
import type { PlannedOperator } from "./plan.ts";

/**
 * Warnings for operators that put rows of several inputs together within an epoch where rows that belong together may come
 * in different epochs: more than one of their inputs stems from a source that gives each row once.
 */
export function epochScopeIssues(
  spec: PipelineSpec,
  operators: readonly PlannedOperator[],
  document: SpecDocument,
): Issue[] {
  if (spec.run.trigger === "once" && spec.run.checkpoint === undefined) return [];
  const streamed = streamedOperators(operators.map(({ node }) => node));
  return operators.flatMap(({ node, definition, config }) => {
    if (definition.kind !== "transform" || !("needs" in definition) || definition.needs !== "epoch") return [];
    if (definition.meetsWithinMs?.(config) !== undefined) return [];
    const inputs = Object.values(node.inputs).filter((from) => from.some(({ operator }) => streamed.has(operator)));
    if (inputs.length < 2) return [];
    const message = `"${node.id}" sees the rows of one epoch at a time: rows of its inputs that come in different epochs do not meet. Give the source of one input "role": "reference", or run once without a checkpoint`;
    const pointer = `${node.pointer}/from`;
    return [document.issueAt({ code: "meets-within-epoch", severity: "warning", message, pointer, keyRange: true })];
  });
}

/** Ids of the operators to which rows come that are given once. */
export function streamedOperators(nodes: readonly OperatorNode[]): ReadonlySet<string> {
  const streamed = new Set<string>();
  for (const { id, kind, role, inputs } of nodes) {
    const from = Object.values(inputs).flat();
    const isStream = kind === "source" ? role !== "reference" : from.some(({ operator }) => streamed.has(operator));
    if (isStream) streamed.add(id);
  }
  return streamed;
}
