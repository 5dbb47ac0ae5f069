import type { Table } from "apache-arrow";
import type { z } from "zod";
import { type Batch, type BatchFactory, isBatch } from "./batch.ts";
import type { Epoch } from "./epoch.ts";
import { OperatorError } from "./errors.ts";
import type { OperatorContext, TransformDefinition } from "./operator.ts";

/** Result of a transform outside a pipeline: one apache-arrow Table per output port. */
export type PortTables = { readonly main: Table } & Readonly<Record<string, Table>>;

/** A transform with `run`, for use without a pipeline. */
export type CallableTransform<C extends z.ZodType> = TransformDefinition<C> & {
  /**
   * Applies the transform to all rows of a table (or of a table per input name) and resolves to a table per port.
   * Rejects with a ZodError when the configuration is wrong, a `ConfigError` when the columns are.
   */
  run(
    input: Table | Readonly<Record<string, Table>>,
    config: z.input<C>,
    options?: { signal?: AbortSignal; seed?: number },
  ): Promise<PortTables>;
};

/** Adds `run` to a transform; `batches` makes the native batches. */
export function callable<C extends z.ZodType>(
  definition: TransformDefinition<C>,
  batches: () => Promise<BatchFactory>,
): CallableTransform<C> {
  return {
    ...definition,
    run: async (input, config, options = {}) => {
      const factory = await batches();
      const checked = definition.config.parse(config);
      const tables = isTable(input) ? { main: input } : input;
      const handles = Object.entries(tables).map(([name, table]) => [name, factory.fromArrow(table)] as const);
      const context = detachedContext(definition.type);
      const ports = await definition.output(
        Object.fromEntries(handles.map(([name, batch]) => [name, batch.schema])),
        checked,
        { probe: true, ...context },
      );
      const inputs = Object.fromEntries(handles.map(([name, batch]) => [name, only(batch)]));
      const transform = definition.create(checked, context);
      try {
        const outputs = await collect(transform.apply(inputs["main"] ?? none(), epochOf(options), inputs), factory);
        return toTables(ports, outputs, factory) as PortTables;
      } finally {
        await transform.close?.();
      }
    },
  };
}

function isTable(input: Table | Readonly<Record<string, Table>>): input is Table {
  return "batches" in input && "schema" in input;
}

function epochOf(options: { signal?: AbortSignal; seed?: number }): Epoch {
  return { id: 0, timeMs: Date.now(), seed: options.seed ?? 0, signal: options.signal ?? new AbortController().signal };
}

async function* only(batch: Batch): AsyncGenerator<Batch> {
  yield batch;
}

async function* none(): AsyncGenerator<Batch> {}

async function collect(
  outputs: ReturnType<ReturnType<TransformDefinition["create"]>["apply"]>,
  factory: BatchFactory,
): Promise<Map<string, Batch[]>> {
  const ports = new Map<string, Batch[]>();
  for await (const output of outputs) {
    const { port, batch } = "port" in output ? output : { port: "main", batch: output };
    const handle = isBatch(batch) ? batch : factory.fromArrow(batch);
    ports.set(port, [...(ports.get(port) ?? []), handle]);
  }
  return ports;
}

function toTables(
  ports: Awaited<ReturnType<TransformDefinition["output"]>>,
  outputs: Map<string, Batch[]>,
  factory: BatchFactory,
): Record<string, Table> {
  const tables: Record<string, Table> = {};
  for (const [name, schema] of Object.entries(ports)) {
    const batches = outputs.get(name) ?? [];
    const columns = schema ?? batches[0]?.schema;
    if (columns === undefined) continue;
    const all = factory.concat(batches, columns);
    tables[name] = all.toArrow();
    all.close();
  }
  return tables;
}

function detachedContext(type: string): OperatorContext {
  return {
    pipeline: "detached",
    operatorId: type,
    durable: false,
    history: "detached",
    scratchDirectory: "",
    resolvePath: (path) => path,
    format: (config) =>
      Promise.reject(
        new OperatorError({ code: "no-registry", message: `The format "${config.type}" needs a pipeline to run in.` }),
      ),
  };
}
