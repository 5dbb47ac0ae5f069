import type { Connection, OperatorContext, ReadRequest, Source } from "@sferic/operator";
import { makeDirectory } from "@sferic/operator/durable-files";
import type { Reference } from "@sferic/spec";
import { connectionOf } from "./connections.ts";
import { resolvePath } from "./paths.ts";
import { createFormat, type Plan, type PlannedOperator } from "./plan.ts";
import type { LiveOperator } from "./dataflow.ts";
import { readRequests } from "./read-requests.ts";
import { orderedOperators } from "./row-order.ts";
import type { Trigger } from "./run-options.ts";
import { ReferenceSource } from "./reference-source.ts";
import type { RunHome } from "./run-home.ts";

/** The operators of a run; disposing closes them all, whatever one of them throws. */
export interface LiveOperators extends AsyncDisposable {
  readonly all: readonly LiveOperator[];
}

/** What the operators of a run are told besides the plan. */
export interface LiveOptions {
  /** Ports that will be read in full. */
  readonly shown?: readonly Reference[];
  /** Wins over the spec's. */
  readonly trigger?: Trigger;
  /** As of `OperatorContext`, with the id of the operator. */
  readonly warn?: (operatorId: string, code: string, message: string) => void;
}

/** Creates every operator of the plan. None is opened yet. */
export async function createOperators(plan: Plan, home: RunHome, options: LiveOptions = {}): Promise<LiveOperators> {
  const { shown = [] } = options;
  const all: LiveOperator[] = [];
  const requests = readRequests(plan.operators, shown);
  const ordered = orderedOperators(plan.operators);
  for (const planned of plan.operators) {
    const connection = await connectionOf(plan, planned);
    const own = contextOf(plan, planned, home, options, requests.get(planned.node.id), connection);
    const context = { ...own, keepsOrder: ordered.has(planned.node.id) };
    await makeDirectory(context.scratchDirectory);
    const create = (): LiveOperator["instance"] =>
      planned.definition.create(planned.config, context) as LiveOperator["instance"];
    const isReference = planned.node.role === "reference";
    all.push({ planned, instance: isReference ? new ReferenceSource(create as () => Source) : create() });
  }
  const close = async (): Promise<void> => {
    const closing = await Promise.allSettled(all.map(async ({ instance }) => instance.close?.()));
    const failed = closing.find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  };
  return { all, [Symbol.asyncDispose]: close };
}

function contextOf(
  plan: Plan,
  planned: PlannedOperator,
  home: RunHome,
  { trigger = plan.spec.run.trigger, warn }: LiveOptions,
  request: ReadRequest | undefined,
  connection: Connection | undefined,
): OperatorContext {
  const { memoryBytesMax } = plan.spec.run;
  const { id, role } = planned.node;
  return {
    ...(request === undefined ? {} : { request }),
    ...(connection === undefined ? {} : { connection }),
    pipeline: plan.spec.name,
    operatorId: id,
    isEndless: trigger !== "once" && role !== "reference",
    ...(warn === undefined ? {} : { warn: (code: string, message: string) => warn(id, code, message) }),
    ...(planned.outputMode === undefined ? {} : { outputMode: planned.outputMode }),
    ...(planned.eventTime === undefined ? {} : { eventTime: planned.eventTime }),
    wideSums: plan.wideSums,
    durable: home.checkpoint !== null,
    history: home.history,
    ...(memoryBytesMax === undefined ? {} : { memoryBytesMax }),
    tempDirectory: home.temp,
    scratchDirectory: home.scratch(planned.node.id),
    resolvePath: (path) => resolvePath(plan.baseDirectory, path),
    format: (config) => createFormat(plan.registry, config, plan.baseDirectory),
  };
}
