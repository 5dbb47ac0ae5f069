import { batches } from "@sferic/bindings/batch";
import { checkQuery, runQuery } from "@sferic/bindings/query";
import { checkMeasures, expressionColumns, quoted } from "@sferic/bindings/relational";
import {
  callable,
  checkedPorts,
  ConfigError,
  type ConfigProblem,
  defineTransform,
  Schema,
  toPointer,
} from "@sferic/operator";
import { z } from "zod";
import { computedColumns } from "./computed-columns.ts";
import { knownRows } from "./known-rows.ts";
import { perSchema } from "./per-schema.ts";

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
 * `groupBy` and then the measures. Without rows there are no groups; but without `groupBy` there is one row, as in SQL,
 * in every epoch. Nulls count as in SQL: `count(x)` and `sum(x)` pass over them. A sum of
 * floats adds up in the order of the rows up to 65,536 of them, and above that in no certain order. Memory holds the groups,
 * and beyond its limit the disk.
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
      const known = { ...c, groupBy: c.groupBy.filter((name) => main!.column(name) !== undefined) };
      let result = main!;
      checkedPorts(
        {},
        () => main!.require(c.groupBy, "any", "/groupBy"),
        () => checkNames(c),
        () => (result = outputSchema(main!, known)),
      );
      return { main: result };
    },
    reads: ({ main }, { groupBy, measures }) => ({
      main: [...groupBy, ...expressionColumns(main!, Object.values(measures), "group")],
    }),
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
    create: (c, { memoryBytesMax }) => {
      const columns = perSchema((schema) => outputSchema(schema!, c));
      return {
        async *apply(rows, { signal }) {
          const input = await knownRows(rows);
          if (input === null) return;
          yield* runQuery({ input }, query(c), columns(input.schema), { signal, memoryBytesMax });
        },
      };
    },
  }),
  () => Promise.resolve(batches),
);

function query({ groupBy, measures }: Config): string {
  const keys = groupBy.map(quoted);
  // A line end after each measure ends a comment in it.
  const values = Object.values(measures).map((measure) => `(${measure}\n)`);
  const order = keys.map((key) => `${key} ASC NULLS LAST`);
  const grouping = keys.length === 0 ? "" : ` GROUP BY ${keys.join(", ")} ORDER BY ${order.join(", ")}`;
  return `SELECT ${[...keys, ...values].join(", ")} FROM input${grouping}`;
}

function outputSchema(schema: Schema, c: Config): Schema {
  const keys = c.groupBy.map((name) => schema.column(name)!);
  const measures = computedColumns("measures", c.measures, (expressions) =>
    checkMeasures(schema, c.groupBy, expressions),
  );
  // The query gives the text of a dictionary where a key is one.
  const types = keys.length === 0 ? [] : checkQuery({ input: schema }, keysQuery(c), "/groupBy").columns;
  return new Schema([...keys.map((key, index) => ({ ...key, type: types[index]!.type })), ...measures]);
}

function keysQuery({ groupBy }: Config): string {
  return `SELECT ${groupBy.map(quoted).join(", ")} FROM input`;
}

function checkNames({ groupBy, measures }: Config): void {
  const twice = groupBy.flatMap((name, index) =>
    groupBy.indexOf(name) === index ? [] : [taken(name, `/groupBy/${index}`)],
  );
  const both = Object.keys(measures).filter((name) => groupBy.includes(name));
  const problems = [...twice, ...both.map((name) => taken(name, toPointer(["measures", name])))];
  if (problems.length > 0) throw new ConfigError(problems);
}

function taken(name: string, pointer: string): ConfigProblem {
  return { code: "duplicate-column", message: `"${name}" is already a column of the result`, pointer };
}
