import { batches } from "@sferic/bindings/batch";
import { checkExpressions, expressionColumns, Projection, quoted } from "@sferic/bindings/relational";
import {
  type Batch,
  callable,
  column,
  ConfigError,
  defineTransform,
  OperatorError,
  port,
  rowsOf,
  type Schema,
  toPointer,
} from "@sferic/operator";
import { z } from "zod";

const config = z.strictObject({
  checks: z
    .record(z.string().min(1), z.string().min(1))
    .refine((checks) => Object.keys(checks).length > 0, "needs at least one check")
    .describe(
      "Name to SQL condition over a row. A row keeps a check when the condition is true; false and null break it.",
    ),
  otherwise: z
    .enum(["route", "count", "fail"])
    .default("route")
    .describe(
      "What happens to a row that breaks a check: it goes to the port failed only (route), to both ports (count), or it ends the run (fail).",
    ),
});

type Config = z.output<typeof config>;

/** Column of the port `failed` that tells which checks a row broke. */
const broken = "failed_checks";

/**
 * Holds every row against conditions. Rows that keep all of them go on in their order; what happens to the others is chosen.
 * The port `failed` has the input's columns and `failed_checks`, the names of the checks that a row broke, separated by ", ".
 */
export const expect = callable(
  defineTransform({
    type: "expect",
    since: "0.1.0",
    status: "stable",
    summary: "Check the quality of rows, and route, count or refuse those that fail.",
    needs: "batch",
    ports: { failed: "Rows that break a check, with the names of the checks." },
    config,
    output: ({ main }, c) => {
      checkConditions(main!, c);
      return { main: main!, failed: main!.append(column(broken, "utf8")) };
    },
    reads: ({ main }, c, wanted) => ({ main: [...wanted, ...expressionColumns(main!, Object.values(c.checks))] }),
    errors: ["expectation-failed", "expression-failed"],
    examples: [
      {
        title: "Only flashes on the map, with an energy",
        data: "glm-minute",
        config: {
          checks: { on_map: "flash_lat BETWEEN -90 AND 90", bright: "flash_energy > 1e-14" },
        },
      },
    ],
    create: (c) => {
      const quality = new Quality(c);
      return {
        async *apply(rows, { signal }) {
          for await (const batch of rows) {
            const failed = await quality.failed(batch, signal);
            if (c.otherwise === "fail" && failed.rowCount > 0) throw quality.failure(failed, batch);
            yield c.otherwise === "route" ? await quality.kept(batch, signal) : batch;
            yield port("failed", failed);
          }
        },
      };
    },
  }),
  () => Promise.resolve(batches),
);

function checkConditions(schema: Schema, { checks }: Config): void {
  const conditions = Object.entries(checks).map(([name, expression]) => ({
    expression,
    pointer: toPointer(["checks", name]),
    type: "bool" as const,
  }));
  const { problems } = checkExpressions(schema, conditions);
  if (problems.length > 0) throw new ConfigError(problems, { main: schema });
  if (schema.column(broken) === undefined) return;
  const message = `the input has a column "${broken}" already; rename it in a select before`;
  throw new ConfigError([{ code: "duplicate-column", message, pointer: "" }]);
}

/** The checks, prepared. */
class Quality {
  readonly #kept: Projection;
  readonly #failed = new Map<string, Projection>();
  readonly #config: Config;
  readonly #all: string;

  constructor(config: Config) {
    this.#config = config;
    // A line end after each condition ends a comment in it.
    this.#all = Object.values(config.checks)
      .map((condition) => `(${condition}\n)`)
      .join(" AND ");
    this.#kept = new Projection(null, this.#all);
  }

  /** The rows that keep every check. Closes its input. */
  kept(batch: Batch, signal: AbortSignal): Promise<Batch> {
    return this.#kept.apply(batch, signal);
  }

  /** The rows that break a check, with the names of the checks. Leaves its input open. */
  failed(batch: Batch, signal: AbortSignal): Promise<Batch> {
    const key = JSON.stringify(batch.schema.names);
    const projection = this.#failed.get(key) ?? this.#failedProjection(batch.schema);
    this.#failed.set(key, projection);
    return projection.apply(batch.share(), signal);
  }

  #failedProjection({ names }: Schema): Projection {
    const told = Object.entries(this.#config.checks).map(
      ([name, condition]) => `CASE WHEN (${condition}\n) THEN NULL ELSE ${text(name)} END`,
    );
    const columns = names.map((name) => [name, quoted(name)]);
    const named = [...columns, [broken, `concat_ws(', ', ${told.join(", ")})`]];
    return new Projection(Object.fromEntries(named), `NOT coalesce(${this.#all}, false)`);
  }

  /** The error that ends a run. Closes both batches. */
  failure(failed: Batch, all: Batch): OperatorError {
    const [first] = rowsOf(failed, 1);
    const rows = failed.rowCount === 1 ? "A row breaks" : `${failed.rowCount} of ${all.rowCount} rows break`;
    const message = `${rows} the checks; the first breaks ${JSON.stringify(first![broken])}: ${JSON.stringify(first)}`;
    for (const batch of [failed, all]) batch.close();
    return new OperatorError({ code: "expectation-failed", message });
  }
}

/** A text as an SQL literal. */
function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
