import type { SourceDefinition } from "@sferic/operator";
import { inspectCheckpoint } from "./checkpoint/inspect.ts";
import type { Plan } from "./plan.ts";

/** What is worth knowing of how the input of a source was taken. */
export interface SourceRemark {
  readonly operatorId: string;
  readonly message: string;
}

/** The remarks of all sources on what a checkpoint has committed. Changes nothing; throws `checkpoint-not-found`. */
export async function sourceRemarks(plan: Plan, checkpoint: string): Promise<SourceRemark[]> {
  const { offsets } = await inspectCheckpoint(checkpoint);
  return plan.operators.flatMap(({ node, definition }) => {
    const offset = offsets[node.id];
    if (node.kind !== "source" || offset === undefined) return [];
    const messages = (definition as SourceDefinition).remarks?.(offset) ?? [];
    return messages.map((message) => ({ operatorId: node.id, message }));
  });
}
