import type { ConfigProblem, TransformDefinition } from "@sferic/operator";
import type { OperatorNode } from "@sferic/spec";
import type { PlannedOperator } from "./plan.ts";

/** The ports that an operator reads and that can never have rows, as the operators upstream are configured. */
export function portProblems({ inputs }: OperatorNode, planned: ReadonlyMap<string, PlannedOperator>): ConfigProblem[] {
  return Object.entries(inputs).flatMap(([input, references]) =>
    references.flatMap(({ operator, port }): ConfigProblem[] => {
      const { definition, node, outputs } = planned.get(operator)!;
      const isKnown = definition.kind === "transform" && outputs["main"] !== undefined;
      if (!isKnown || Object.hasOwn(outputs, port)) return [];
      const meaning = (definition as TransformDefinition).ports?.[port] ?? "";
      const message = `"${operator}" (${node.type}), as it is, can have no rows on the port "${port}"; leave it out, or change "${operator}". They would be: ${meaning}`;
      return [{ code: "empty-port", message, pointer: input === "main" ? "/from" : `/from/${input}` }];
    }),
  );
}
