import type { OperatorNode } from "@sferic/spec";

/** Name of an input within a graph. */
export function inputKey(operatorId: string, input: string): string {
  return `${operatorId} ${input}`;
}

/**
 * The inputs that lie on a circle of the graph when the direction of its edges is ignored. An operator may need the end of
 * one input before it takes from another; where both go back to the same rows, a bounded queue on the other would stop the
 * producer they share for ever. Linear in the number of edges times the edges of circles.
 */
export function circularInputs(nodes: readonly Pick<OperatorNode, "id" | "inputs">[]): ReadonlySet<string> {
  const edges = nodes.flatMap(({ id, inputs }) =>
    Object.entries(inputs).flatMap(([input, references]) =>
      references.map(({ operator }) => ({ from: operator, to: id, key: inputKey(id, input) })),
    ),
  );
  const degrees = new Map<string, number>();
  const count = (id: string, by: number): void => void degrees.set(id, (degrees.get(id) ?? 0) + by);
  for (const { from, to } of edges) for (const id of [from, to]) count(id, 1);
  let left = edges;
  for (;;) {
    const inner = left.filter(({ from, to }) => degrees.get(from)! > 1 && degrees.get(to)! > 1);
    if (inner.length === left.length) return new Set(inner.map(({ key }) => key));
    const kept = new Set(inner);
    for (const edge of left) {
      if (!kept.has(edge)) for (const id of [edge.from, edge.to]) count(id, -1);
    }
    left = inner;
  }
}
