import type { Connection, OperatorContext, ReadRequest, Source } from "@sferic/operator";
import { makeDirectory } from "@sferic/operator/durable-files";
import type { Reference } from "@sferic/spec";
import { connectionOf } from "./connections.ts";
import { resolvePath } from "./paths.ts";
import { createFormat, type Plan, type PlannedOperator } from "./plan.ts";
import type { LiveOperator } from "./dataflow.ts";
import { readRequests } from "./read-requests.ts";
import { ReferenceSource } from "./reference-source.ts";
import type { RunHome } from "./run-home.ts";

/** The operators of a run; disposing closes them all, whatever one of them throws. */
export interface LiveOperators extends AsyncDisposable {
  readonly all: readonly LiveOperator[];
}

/** Creates every operator of the plan; `shown` ports will be read in full. None is opened yet. */
export async function createOperators(
  plan: Plan,
  home: RunHome,
  shown: readonly Reference[] = [],
): Promise<LiveOperators> {
  const all: LiveOperator[] = [];
  const requests = readRequests(plan.operators, shown);
  for (const planned of plan.operators) {
    const connection = await connectionOf(plan, planned);
    const context = contextOf(plan, planned, home, requests.get(planned.node.id), connection);
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
  request: ReadRequest | undefined,
  connection: Connection | undefined,
): OperatorContext {
  const { memoryBytesMax } = plan.spec.run;
  return {
    ...(request === undefined ? {} : { request }),
    ...(connection === undefined ? {} : { connection }),
    pipeline: plan.spec.name,
    operatorId: planned.node.id,
    ...(planned.outputMode === undefined ? {} : { outputMode: planned.outputMode }),
    ...(planned.eventTime === undefined ? {} : { eventTime: planned.eventTime }),
    durable: home.checkpoint !== null,
    history: home.history,
    ...(memoryBytesMax === undefined ? {} : { memoryBytesMax }),
    scratchDirectory: home.scratch(planned.node.id),
    resolvePath: (path) => resolvePath(plan.baseDirectory, path),
    format: (config) => createFormat(plan.registry, config, plan.baseDirectory),
  };
}
