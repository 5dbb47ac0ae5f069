import { resolve } from "node:path";
import type {
  Bounds,
  Column,
  Condition,
  Delivery,
  ReadRequest,
  SinkDefinition,
  TransformDefinition,
} from "@sferic/operator";
import type { OperatorNode, WatermarkSpec } from "@sferic/spec";
import { resolvePath } from "./paths.ts";
import { deliveryOf, type Plan, type PlannedOperator, secretsOf } from "./plan.ts";
import { readRequests } from "./read-requests.ts";
import type { Trigger } from "./run-options.ts";

/** One operator of an {@link Explanation}. */
export interface ExplainedOperator {
  readonly id: string;
  readonly kind: "source" | "transform" | "sink";
  readonly type: string;
  /** The operator's own fields, with defaults. */
  readonly config: unknown;
  /** Transforms only: whether it streams (`batch`) or sees all rows of an epoch first (`epoch`). */
  readonly needs?: "batch" | "epoch";
  /** Sources only: most that one epoch reads; empty for no bound. */
  readonly bounds?: Bounds;
  /** Sources whose columns are known only: those that are read, and what every row that is needed fulfils. */
  readonly reads?: {
    readonly columns: readonly string[];
    readonly columnCount: number;
    readonly conditions: readonly Condition[];
  };
  readonly watermark?: WatermarkSpec;
  /** Sinks only. */
  readonly outputMode?: string;
}

/** What flows from a port to an input. */
export interface ExplainedEdge {
  readonly from: { readonly operator: string; readonly port: string };
  readonly to: { readonly operator: string; readonly input: string };
  /** Null when only the data will tell. */
  readonly schema: readonly Column[] | null;
}

/** How often a row of a source can become visible in a sink. */
export interface ExplainedDelivery {
  readonly source: string;
  readonly sink: string;
  /** Operator ids from source to sink, both included. */
  readonly path: readonly string[];
  readonly guarantee: Delivery;
  readonly why: string;
}

/** A plan as data: what `explain` prints. */
export interface Explanation {
  readonly pipeline: string;
  /** In dataflow order. */
  readonly operators: readonly ExplainedOperator[];
  readonly edges: readonly ExplainedEdge[];
  /** One entry per path from a source to a sink. */
  readonly delivery: readonly ExplainedDelivery[];
  readonly trigger: Trigger;
  /** Absolute path; null for a run that nothing can resume. */
  readonly checkpoint: string | null;
  readonly seed: number;
}

/** Paths listed per sink; a graph of diamonds has exponentially many. */
const pathsMax = 64;

/** Says what a run of the plan would do, with `options` as on the run, without secrets. Touches nothing. */
export function explainPlan(plan: Plan, options: { checkpoint?: string; trigger?: Trigger } = {}): Explanation {
  const { run, name } = plan.spec;
  const checkpoint = checkpointOf(plan, options.checkpoint);
  const trigger = options.trigger ?? run.trigger;
  const requests = readRequests(plan.operators);
  return secretsOf(plan).scrubbed({
    pipeline: name,
    operators: plan.operators.map((operator) => explainOperator(operator, trigger, requests.get(operator.node.id))),
    edges: plan.operators.flatMap((operator) => edgesInto(operator, plan)),
    delivery: plan.operators
      .filter(({ node }) => node.kind === "sink")
      .flatMap((sink) => deliveryInto(sink, plan, checkpoint !== null)),
    trigger,
    checkpoint,
    seed: run.seed,
  });
}

function checkpointOf(plan: Plan, chosen: string | undefined): string | null {
  if (chosen !== undefined) return resolve(plan.baseDirectory, chosen);
  return plan.spec.run.checkpoint === undefined ? null : resolvePath(plan.baseDirectory, plan.spec.run.checkpoint);
}

function explainOperator(
  { node, definition, config }: PlannedOperator,
  trigger: Trigger,
  request: ReadRequest | undefined,
): ExplainedOperator {
  const { schema, columns, conditions = [] } = request ?? {};
  const { id, kind, type, watermark, outputMode } = node;
  return {
    id,
    kind,
    type,
    config,
    ...(definition.kind === "transform" ? { needs: (definition as TransformDefinition).needs } : {}),
    ...(kind === "source" ? { bounds: trigger === "once" ? {} : node.bounds } : {}),
    ...(schema === undefined
      ? {}
      : { reads: { columns: columns ?? schema.names, columnCount: schema.columns.length, conditions } }),
    ...(watermark === undefined ? {} : { watermark }),
    ...(kind === "sink" ? { outputMode: outputMode ?? "append" } : {}),
  };
}

function edgesInto({ node }: PlannedOperator, plan: Plan): ExplainedEdge[] {
  return Object.entries(node.inputs).flatMap(([input, references]) =>
    references.map((from) => {
      const schema = find(plan, from.operator).outputs[from.port] ?? null;
      return { from, to: { operator: node.id, input }, schema: schema?.columns ?? null };
    }),
  );
}

function deliveryInto(sink: PlannedOperator, plan: Plan, durable: boolean): ExplainedDelivery[] {
  const definition = sink.definition as SinkDefinition;
  const guarantee = deliveryOf(definition, durable);
  const why = durable
    ? definition.delivery.why
    : "there is no checkpoint, so a run that is started again reads and writes everything again";
  return pathsTo(sink.node, plan)
    .slice(0, pathsMax)
    .map((path) => ({ source: path[0]!, sink: sink.node.id, path, guarantee, why }));
}

function pathsTo(node: OperatorNode, plan: Plan): string[][] {
  if (node.kind === "source") return [[node.id]];
  const paths: string[][] = [];
  for (const id of new Set(Object.values(node.inputs).flatMap((from) => from.map(({ operator }) => operator)))) {
    if (paths.length >= pathsMax) break;
    for (const path of pathsTo(find(plan, id).node, plan)) paths.push([...path, node.id]);
  }
  return paths.slice(0, pathsMax);
}

function find(plan: Plan, id: string): PlannedOperator {
  return plan.operators.find(({ node }) => node.id === id)!;
}
