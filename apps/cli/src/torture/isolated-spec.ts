import { join } from "node:path";
import type { Plan, PlannedOperator } from "@sferic/engine";
import { type Json, OperatorError, type Schema, type SinkDefinition } from "@sferic/operator";

/** What a child process runs: a spec whose outputs and checkpoint are out of the way of the user's. */
export interface IsolatedSpec {
  readonly spec: Readonly<Record<string, Json>>;
  /** Folder from which the paths of the inputs count. */
  readonly baseDirectory: string;
}

/** A sink of the spec, and where its rows lie once it is isolated. */
export interface IsolatedSink {
  readonly id: string;
  readonly type: string;
  readonly promise: SinkDefinition["delivery"]["guarantee"];
  /** Null for a sink whose rows cannot be read back. */
  readonly output: SinkOutput | null;
}

/** Where the rows of a sink lie below the folder of an {@link IsolatedSpec}. */
export type SinkOutput =
  | {
      readonly kind: "parts";
      readonly folder: string;
      readonly format: { readonly type: string };
      /** Columns of the rows that the sink gets; null where only the data tell. */
      readonly schema: Schema | null;
    }
  | { readonly kind: "table"; readonly database: string; readonly table: string }
  | { readonly kind: "delta"; readonly folder: string };

/** Name of the checkpoint in the folder of an isolated spec. */
export const checkpointName = "checkpoint";

/** How a sink's target is moved: the fields to set, below `out/`, and where its rows are then. */
interface Move {
  readonly fields: Readonly<Record<string, string>>;
  readonly output: SinkOutput | null;
}

/**
 * The sinks of a plan as they are when isolated. Throws `sink-not-isolated` when the target of one cannot be moved:
 * running it would write where the user's own rows are.
 */
export function isolatedSinks({ operators }: Plan): IsolatedSink[] {
  return sinksIn(operators).map((sink) => {
    const { guarantee: promise } = (sink.definition as SinkDefinition).delivery;
    return { id: sink.node.id, type: sink.node.type, promise, output: moveOf(sink).output };
  });
}

/** A copy of the plan's spec that reads the same input and writes below `folder`; an endless trigger ends when all is read. */
export function isolate(plan: Plan, folder: string): IsolatedSpec {
  const written = plan.document.value as { sinks: Record<string, Json>; run?: Record<string, Json> };
  const moved = sinksIn(plan.operators).map((sink) => {
    const fields = Object.entries(moveOf(sink).fields).map(([name, path]) => [name, join(folder, path)] as const);
    return [sink.node.id, { ...(written.sinks[sink.node.id] as object), ...Object.fromEntries(fields) }] as const;
  });
  const trigger = typeof plan.spec.run.trigger === "object" ? "available-now" : plan.spec.run.trigger;
  const spec = {
    ...written,
    sinks: Object.fromEntries(moved),
    run: { ...written.run, trigger, checkpoint: join(folder, checkpointName) },
  };
  return { spec, baseDirectory: plan.baseDirectory };
}

function sinksIn(operators: readonly PlannedOperator[]): PlannedOperator[] {
  return operators.filter(({ node }) => node.kind === "sink");
}

function moveOf({ node: { id, type }, config, inputs }: PlannedOperator): Move {
  const folder = join("out", id);
  switch (type) {
    case "files": {
      const { format, write } = config as { format: { type: string }; write: "parts" | "append" };
      const url = write === "append" ? join(folder, "rows") : folder;
      return { fields: { url }, output: { kind: "parts", folder, format, schema: inputs["main"] ?? null } };
    }
    case "duckdb": {
      const database = join("out", `${id}.duckdb`);
      return {
        fields: { path: database },
        output: { kind: "table", database, table: (config as { table: string }).table },
      };
    }
    case "delta":
      return { fields: { url: folder }, output: { kind: "delta", folder } };
    case "report":
      return { fields: { path: join("out", `${id}.html`) }, output: null };
    case "console":
      return { fields: {}, output: null };
    default: {
      const message = `The sink "${id}" of the type "${type}" would write to its real target, for it is not known how to give it another. Take it out of a copy of the spec, or put a "files" sink in its place.`;
      throw new OperatorError({ code: "sink-not-isolated", message, operatorId: id });
    }
  }
}
