import { batches } from "@sferic/bindings/batch";
import { checkMeasures, quoted, runQuery, takeRows } from "@sferic/bindings/relational";
import {
  callable,
  column,
  ConfigError,
  type ConfigProblem,
  defineTransform,
  Schema,
  toPointer,
} from "@sferic/operator";
import { z } from "zod";
import { computedColumns } from "./computed-columns.ts";
import { epochRows } from "./epoch-rows.ts";
import { numberedRows } from "./numbered-rows.ts";

const config = z.strictObject({
  groupBy: z
    .array(z.string())
    .default([])
    .describe("Columns that are equal within a group; null equals null. None: all rows are one group."),
  measures: z
    .record(z.string().min(1), z.string().min(1))
    .refine((measures) => Object.keys(measures).length > 0, "needs at least one measure")
    .describe("Columns computed per group: name to SQL aggregate expression, such as sum(clicks)."),
});

type Config = z.output<typeof config>;

/**
 * One row per group over all rows of an epoch, ordered by the group's columns, nulls last. The columns are those of
 * `groupBy`, with type and unit as they were, and then the measures. Without rows there are no groups; but without
 * `groupBy` there is one row, as in SQL, unless the epoch brought not even an empty batch. Nulls count as in SQL:
 * `count(x)` and `sum(x)` pass over them. A sum adds up in the order of the rows.
 */
export const aggregate = callable(
  defineTransform({
    type: "aggregate",
    since: "0.1.0",
    status: "stable",
    summary: "Compute sums, counts and other measures per group of rows.",
    needs: "epoch",
    config,
    output: ({ main }, c) => {
      const problems = nameProblems(main!, c);
      if (problems.length > 0) throw new ConfigError(problems);
      const measures = measureColumns(main!, c);
      return { main: new Schema([...c.groupBy.map((name) => main!.column(name)!), ...measures]) };
    },
    errors: ["expression-failed"],
    examples: [
      {
        title: "Flashes and mean energy by quality",
        data: "glm-minute",
        config: {
          groupBy: ["quality_flag"],
          measures: { flashes: "count(*)", energy: "avg(flash_energy)", brightest: "max(flash_energy)" },
        },
      },
      { title: "One row for all flashes", data: "glm-minute", config: { measures: { flashes: "count(*)" } } },
    ],
    create: (c) => ({
      async *apply(input, { signal }) {
        const rows = await epochRows(input);
        if (rows === null) return;
        try {
          const measures = measureColumns(rows.schema, c);
          const columns = new Schema([...measures, column("row", "int64", { nullable: c.groupBy.length === 0 })]);
          const answers = await runQuery({ input: rows.share() }, query(rows.schema, c), columns, signal);
          for (const answer of answers) yield takeRows(rows, c.groupBy, answer);
        } finally {
          rows.close();
        }
      },
    }),
  }),
  () => Promise.resolve(batches),
);

/** The measures, and last the number of each group's first row, where the group's own columns are taken from. */
function query(schema: Schema, { groupBy, measures }: Config): string {
  const { sql, number } = numberedRows("input", schema);
  const keys = groupBy.map(quoted);
  // A line end after each measure ends a comment in it.
  const values = Object.values(measures).map((measure) => `(${measure}\n)`);
  const order = keys.map((key) => `${key} ASC NULLS LAST`);
  const grouping = keys.length === 0 ? "" : ` GROUP BY ${keys.join(", ")} ORDER BY ${order.join(", ")}`;
  return `SELECT ${values.join(", ")}, min(${number}) FROM ${sql}${grouping}`;
}

function nameProblems(schema: Schema, { groupBy, measures }: Config): ConfigProblem[] {
  schema.require(groupBy, "any", "/groupBy");
  const twice = groupBy.flatMap((name, index) =>
    groupBy.indexOf(name) === index ? [] : [taken(name, `/groupBy/${index}`)],
  );
  const both = Object.keys(measures).filter((name) => groupBy.includes(name));
  return [...twice, ...both.map((name) => taken(name, toPointer(["measures", name])))];
}

function taken(name: string, pointer: string): ConfigProblem {
  return { code: "duplicate-column", message: `"${name}" is already a column of the result`, pointer };
}

function measureColumns(schema: Schema, { groupBy, measures }: Config): Schema["columns"] {
  return computedColumns("measures", measures, (expressions) => checkMeasures(schema, groupBy, expressions));
}
