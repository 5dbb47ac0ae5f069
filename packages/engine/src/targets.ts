import { type Batch, nearest, OperatorError, type Sink } from "@sferic/operator";
import type { OperatorNode, Reference } from "@sferic/spec";
import type { LiveOperator } from "./dataflow.ts";
import type { Plan, PlannedOperator } from "./plan.ts";

/**
 * What a target means: an operator id, or `id.port`; for a sink, what it reads. Throws `unknown-operator-id`,
 * `unknown-port`, or `several-inputs` for a sink with more than one that is not told which.
 */
export function referencesOf(plan: Plan, target: string): readonly Reference[] {
  const [id = "", port] = target.split(".", 2);
  const found = plan.operators.find(({ node }) => node.id === id);
  if (found === undefined) throw unknownOperator(id, plan);
  if (found.node.kind === "sink") return inputsOf(found.node, port);
  const ports = [...new Set(["main", ...portsOf(found)])];
  if (port === undefined || ports.includes(port)) return [{ operator: id, port: port ?? "main" }];
  const near = nearest(port, ports);
  throw new OperatorError({
    code: "unknown-port",
    message: `"${id}" has no port "${port}"; it has ${ports.join(", ")}.`,
    details: near === undefined ? {} : { near: `${id}.${near}` },
  });
}

function portsOf({ outputs, definition }: PlannedOperator): string[] {
  return [...Object.keys(outputs), ...Object.keys(definition.kind === "transform" ? (definition.ports ?? {}) : {})];
}

function inputsOf(sink: OperatorNode, input: string | undefined): readonly Reference[] {
  const names = Object.keys(sink.inputs);
  const chosen = input ?? (names.length === 1 ? names[0]! : undefined);
  const references = chosen === undefined ? undefined : sink.inputs[chosen];
  if (references !== undefined) return references;
  const choices = names.map((name) => `${sink.id}.${name}`).join(", ");
  throw new OperatorError({
    code: chosen === undefined ? "several-inputs" : "unknown-port",
    message: `The sink "${sink.id}" has the inputs ${names.join(", ")}; choose one: ${choices}.`,
  });
}

function unknownOperator(id: string, plan: Plan): OperatorError {
  const ids = plan.operators.map(({ node }) => node.id);
  const near = nearest(id, ids);
  const advice = near === undefined ? `it has ${ids.join(", ")}.` : `did you mean "${near}"?`;
  return new OperatorError({ code: "unknown-operator-id", message: `The spec has no operator "${id}"; ${advice}` });
}

/** The operators that the references need, in the order of the plan. */
export function upstreamOf(plan: Plan, references: readonly Reference[]): PlannedOperator[] {
  const needed = new Set(references.map(({ operator }) => operator));
  for (const { node } of plan.operators.toReversed()) {
    if (!needed.has(node.id)) continue;
    for (const { operator } of Object.values(node.inputs).flat()) needed.add(operator);
  }
  return plan.operators.filter(({ node }) => needed.has(node.id));
}

/** An operator that hands every batch at the references to `take`, which closes it. `index` tells several apart. */
export function collector(index: number, references: readonly Reference[], take: (batch: Batch) => void): LiveOperator {
  const node: OperatorNode = {
    // Ids of a spec have no spaces, so this one is free.
    id: `collector ${index}`,
    kind: "sink",
    type: "collector",
    inputs: { main: references },
    config: {},
    bounds: {},
    pointer: "",
  };
  const sink: Sink = {
    stage: async (batches) => {
      for await (const batch of batches) take(batch);
      return null;
    },
    publish: () => Promise.resolve({ files: [] }),
  };
  return { planned: { node }, instance: sink };
}
