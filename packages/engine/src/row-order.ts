import type { TransformDefinition } from "@sferic/operator";
import type { PlannedOperator } from "./plan.ts";

/** Ids of the operators whose rows must come in the same order in every run, since the result of one downstream depends on it. */
export function orderedOperators(operators: readonly PlannedOperator[]): ReadonlySet<string> {
  const ordered = new Set<string>();
  for (const operator of operators.toReversed()) {
    if (!ordered.has(operator.node.id) && !dependsOnOrder(operator)) continue;
    for (const { operator: id } of Object.values(operator.node.inputs).flat()) ordered.add(id);
  }
  return ordered;
}

function dependsOnOrder({ definition, config }: PlannedOperator): boolean {
  if (definition.kind !== "transform") return false;
  const { needs, dependsOnOrder: declared }: TransformDefinition = definition;
  return declared?.(config as never) ?? needs === "epoch";
}
