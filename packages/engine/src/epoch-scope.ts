import type { PipelineSpec, OperatorNode, Reference, SpecDocument, Issue } from "@sferic/spec";
import type { PlannedOperator } from "./plan.ts";

/**
 * Warnings for operators that see the rows of one epoch at a time where rows that belong together may come in different
 * epochs: more than one of their inputs stems from a source that gives each row once, or they say so themselves.
 */
export function epochScopeIssues(
  spec: PipelineSpec,
  operators: readonly PlannedOperator[],
  document: SpecDocument,
): Issue[] {
  if (spec.run.trigger === "once" && spec.run.checkpoint === undefined) return [];
  const streamed = streamedOperators(operators.map(({ node }) => node));
  return operators.flatMap((operator) => {
    const message = missedBy(operator, streamed);
    if (message === undefined) return [];
    const text = `"${operator.node.id}" sees the rows of one epoch at a time: ${message}, or run once without a checkpoint`;
    const pointer = `${operator.node.pointer}/from`;
    return [
      document.issueAt({ code: "meets-within-epoch", severity: "warning", message: text, pointer, keyRange: true }),
    ];
  });
}

/** What rows of different epochs miss, with what to do about it. */
function missedBy(
  { node, definition, config, eventTime }: PlannedOperator,
  streamed: ReadonlySet<string>,
): string | undefined {
  if (definition.kind !== "transform" || definition.needs !== "epoch") return undefined;
  const isStream = (from: readonly Reference[]): boolean => from.some(({ operator }) => streamed.has(operator));
  const inputs = Object.values(node.inputs).filter(isStream);
  if (inputs.length === 0 || definition.meetsWithinMs?.(config as never) !== undefined) return undefined;
  if (inputs.length === 1) return definition.missesAcrossEpochs?.(config as never, eventTime);
  return 'rows of its inputs that come in different epochs do not meet. Give the source of one input "role": "reference"';
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
