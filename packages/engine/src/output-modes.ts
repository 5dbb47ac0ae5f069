import type { ConfigProblem, OutputMode, SinkDefinition, TransformDefinition } from "@sferic/operator";
import type { OperatorNode } from "@sferic/spec";
import type { PlannedOperator } from "./plan.ts";

/** Per operator, the modes of the sinks that its rows reach. Rows that are late or invalid are told once, whatever the mode. */
export function modesOf(nodes: readonly OperatorNode[]): ReadonlyMap<string, ReadonlySet<OutputMode>> {
  const modes = new Map<string, Set<OutputMode>>(nodes.map(({ id }) => [id, new Set()]));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const tell = (node: OperatorNode, mode: OutputMode): void => {
    if (modes.get(node.id)!.has(mode)) return;
    modes.get(node.id)!.add(mode);
    for (const { operator, port } of Object.values(node.inputs).flat()) {
      const read = byId.get(operator);
      if (read !== undefined && port !== "late" && port !== "invalid") tell(read, mode);
    }
  };
  for (const node of nodes) if (node.kind === "sink") tell(node, node.outputMode ?? "append");
  return modes;
}

/** What is wrong with the mode of a sink, or with the modes of the sinks that read one result. */
export function modeProblems(
  node: OperatorNode,
  definition: PlannedOperator["definition"],
  config: unknown,
  planned: ReadonlyMap<string, PlannedOperator>,
  modes: ReadonlyMap<string, ReadonlySet<OutputMode>>,
): ConfigProblem[] {
  if (definition.kind === "sink") return sinkProblems(node, definition, config, planned);
  if (definition.kind !== "transform" || definition.outputModes === undefined) return [];
  const wanted = [...(modes.get(node.id) ?? [])];
  if (wanted.length < 2) return [];
  const listed = wanted.map((mode) => `"${mode}"`).join(" and ");
  const message = `the sinks that read "${node.id}" want the modes ${listed}; write it twice, once for each`;
  return [{ code: "output-mode", message, pointer: "" }];
}

function sinkProblems(
  node: OperatorNode,
  definition: SinkDefinition,
  config: unknown,
  planned: ReadonlyMap<string, PlannedOperator>,
): ConfigProblem[] {
  const mode = node.outputMode ?? "append";
  if (mode === "append") return [];
  const problem = (message: string): ConfigProblem[] => [{ code: "output-mode", message, pointer: "/outputMode" }];
  const makers = upstream(node, planned).filter(({ definition: { kind, ...own } }) => {
    return kind === "transform" && (own as TransformDefinition).outputModes !== undefined;
  });
  if (makers.length === 0) {
    return problem(`"${mode}" needs an aggregate upstream; without one every row is new, so "append" is the mode`);
  }
  const unable = makers.find((maker) => {
    return !(maker.definition as TransformDefinition).outputModes!(maker.config).includes(mode);
  });
  if (unable !== undefined) {
    const able = ["append", ...(unable.definition as TransformDefinition).outputModes!(unable.config)];
    return problem(`"${unable.node.id}" cannot give "${mode}"; it can give ${quotedList(able)}`);
  }
  const held = definition.outputModes?.(config) ?? [];
  if (held.includes(mode)) return [];
  return problem(
    `the sink "${node.type}" as it is cannot hold "${mode}", only ${quotedList(["append", ...held])}; console holds every mode, duckdb with "write": "replace" holds "complete"`,
  );
}

function quotedList(modes: readonly string[]): string {
  return modes.map((mode) => `"${mode}"`).join(", ");
}

function upstream(node: OperatorNode, planned: ReadonlyMap<string, PlannedOperator>): PlannedOperator[] {
  const found = new Set<PlannedOperator>();
  const visit = ({ inputs }: OperatorNode): void => {
    for (const { operator, port } of Object.values(inputs).flat()) {
      const read = planned.get(operator);
      if (read === undefined || found.has(read) || port === "late" || port === "invalid") continue;
      found.add(read);
      visit(read.node);
    }
  };
  visit(node);
  return [...found];
}
