import { batches } from "@sferic/bindings/batch";
import { checkQuery, queryDependsOnOrder, runQuery } from "@sferic/bindings/query";
import { checkMeasures, expressionColumns, quoted } from "@sferic/bindings/relational";
import { decomposeMeasures } from "@sferic/bindings/windows";
import {
  callable,
  checkedPorts,
  type Column,
  column,
  ConfigError,
  type ConfigProblem,
  defineTransform,
  type PlanContext,
  type PortSchemas,
  Schema,
  toPointer,
} from "@sferic/operator";
import { z } from "zod";
import { computedColumns } from "./computed-columns.ts";
import { KeptGroups, type KeptGroupsPlan, lateNames } from "./kept-groups.ts";
import { knownRows } from "./known-rows.ts";
import { perSchema } from "./per-schema.ts";
import { stateBytesMaxField } from "./remembering.ts";
import { spanOf, windowField, windowTimeType } from "./windows.ts";

const config = z.strictObject({
  groupBy: z
    .array(z.string())
    .default([])
    .describe("Columns that are equal within a group; null equals null. None: all rows are one group."),
  measures: z
    .record(z.string().min(1), z.string().min(1))
    .refine((measures) => Object.keys(measures).length > 0, "needs at least one measure")
    .describe("Columns computed per group: name to SQL aggregate expression, such as sum(clicks)."),
  window: windowField
    .optional()
    .describe("Windows of event time: groups are told apart by them, too, and end with them."),
  stateBytesMax: stateBytesMaxField,
});

type Config = z.output<typeof config>;

/**
 * One row per group over all rows of an epoch, ordered by the group's columns, nulls last. The columns are those of
 * `groupBy` and then the measures. Without rows there are no groups; but without `groupBy` there is one row, as in SQL,
 * in every epoch. Nulls count as in SQL: `count(x)` and `sum(x)` pass over them. A sum of
 * integers is int64, and one that does not fit is an error; `sum(CAST(x AS DECIMAL(38, 0)))` has room for more. Measures that
 * hang on the order of rows, such as `first(x)`, `list(x)` and ties of `arg_max(x, y)`, take them as they come, by epoch,
 * file and row, on one thread. A sum of floats adds up in the order of the rows up to 65,536 of them, and above that in no certain order. Memory holds the groups,
 * and beyond its limit the disk.
 *
 * With a `window` the first columns are `window_start` and `window_end`; a row comes out, once, when the watermark has
 * passed the end (`append`), in every epoch that changed it (`update`), or in every epoch (`complete`). Groups are kept from
 * epoch to epoch in memory and in the checkpoint, as partial aggregates: measures can be made of count, sum, avg, min,
 * max, bool_and and bool_or. With the modes `update` and `complete` groups without a window are kept, too, and never end.
 */
export const aggregate = callable(
  defineTransform({
    type: "aggregate",
    since: "0.1.0",
    status: "stable",
    summary: "Compute sums, counts and other measures per group of rows.",
    needs: "epoch",
    ports: {
      late: "Rows whose window has closed, a row for each such window, which it ends with; then the watermark.",
      invalid: "Rows without event time.",
    },
    config,
    outputModes: ({ window }) => (window?.gap === undefined ? ["update", "complete"] : ["complete"]),
    output: ({ main }, c, context) => {
      if (c.window !== undefined || isKept(context)) return keptPorts(main!, c, context);
      const known = { ...c, groupBy: c.groupBy.filter((name) => main!.column(name) !== undefined) };
      const { wideSums } = context;
      let result = main!;
      checkedPorts(
        {},
        () => main!.require(c.groupBy, "any", "/groupBy"),
        () => checkNames(c),
        () => (result = outputSchema(main!, known, wideSums)),
      );
      return { main: result };
    },
    reads: ({ main }, { groupBy, measures, window }) => ({
      main: [
        ...groupBy,
        ...(window === undefined ? [] : [window.column]),
        ...expressionColumns(main!, Object.values(measures), "group"),
      ],
    }),
    errors: ["expression-failed", "state-too-large"],
    examples: [
      {
        title: "Flashes and mean energy by quality",
        data: "glm-minute",
        config: {
          groupBy: ["quality_flag"],
          measures: { flashes: "count(*)", energy: "avg(flash_energy)", brightest: "max(flash_energy)" },
        },
      },
      {
        title: "Flashes and energy in every ten seconds",
        data: "glm-minute",
        config: {
          window: { column: "flash_time", size: "10 seconds" },
          measures: { flashes: "count(*)", energy: "avg(flash_energy)" },
        },
      },
      { title: "One row for all flashes", data: "glm-minute", config: { measures: { flashes: "count(*)" } } },
    ],
    dependsOnOrder: (c) => queryDependsOnOrder(query(c)),
    limitFields: ["stateBytesMax"],
    create: (c, { operatorId, memoryBytesMax, tempDirectory, wideSums, outputMode = "append" }) => {
      if (c.window !== undefined || outputMode !== "append") {
        const limit = { operatorId, stateBytesMax: c.stateBytesMax, things: "groups", advice: adviceOn(c) } as const;
        const spill = { memoryBytesMax, tempDirectory };
        return new KeptGroups((schema) => keptPlan(schema, c, wideSums), outputMode, spill, limit);
      }
      const columns = perSchema((schema) => outputSchema(schema!, c, wideSums));
      return {
        async *apply(rows, { signal }) {
          const input = await knownRows(rows);
          if (input === null) return;
          yield* runQuery({ input }, query(c), columns(input.schema), { signal, memoryBytesMax, tempDirectory });
        },
      };
    },
  }),
  () => Promise.resolve(batches),
);

/** What makes the state smaller. */
function adviceOn({ window }: Config): string {
  const coarser = "Group by fewer columns, or by columns with fewer values.";
  if (window === undefined) return `${coarser} Give it a window, at whose end groups go.`;
  return `Let windows close sooner: shorten them or the delay of the watermark; "sferic why" tells what holds it back. ${coarser}`;
}

function isKept({ streaming }: PlanContext): boolean {
  return streaming !== undefined && streaming.outputMode !== "append";
}

/** The ports where groups outlive an epoch. */
function keptPorts(main: Schema, c: Config, context: PlanContext): PortSchemas {
  const known = { ...c, groupBy: c.groupBy.filter((name) => main.column(name) !== undefined) };
  let ports: PortSchemas = {};
  checkedPorts(
    {},
    () => main.require(c.groupBy, "any", "/groupBy"),
    () => checkNames(c),
    () => checkStreaming(c, context),
    () => {
      const { window, output } = keptPlan(main, known, context.wideSums);
      if (window === undefined) return void (ports = { main: output });
      const times = lateNames(main).map((name) => column(name, window.timeType));
      ports = { main: output, late: new Schema([...main.columns, ...times]), invalid: main };
    },
  );
  return ports;
}

function keptPlan(schema: Schema, c: Config, wideSums?: boolean): KeptGroupsPlan {
  const { columns } = outputSchema(schema, c, wideSums);
  const keys = columns.slice(0, c.groupBy.length);
  const decomposition = decomposeMeasures(schema, c.groupBy, c.measures);
  if (decomposition.problems.length > 0) throw new ConfigError(decomposition.problems);
  if (c.window === undefined) return { keys, decomposition, output: new Schema(columns) };
  const timeType = windowTimeType(schema, c.window);
  const times: Column[] = windowNames.map((name) => column(name, timeType));
  const window = { column: c.window.column, span: spanOf(c.window), timeType };
  return { window, keys, decomposition, output: new Schema([...times, ...columns]) };
}

const windowNames = ["window_start", "window_end"];

/** What can never end, or never be told, in a pipeline of many epochs. */
function checkStreaming({ window, groupBy }: Config, { streaming }: PlanContext): void {
  if (streaming === undefined || window === undefined) return;
  const { outputMode, eventTime, isEndless } = streaming;
  const problems: ConfigProblem[] = [];
  if (outputMode === "append" && eventTime === undefined && isEndless) {
    const message =
      'nothing says when a window is complete: declare a "watermark" on the source or a transform before, let the sink have the outputMode "update" or "complete", or run with the trigger "once"';
    problems.push({ code: "missing-watermark", message, pointer: "/window" });
  }
  if (window.gap !== undefined && groupBy.length === 0 && isEndless) {
    const message = "sessions over all rows would join into one; name the columns that tell them apart in groupBy";
    problems.push({ code: "session-without-key", message, pointer: "/window/gap" });
  }
  if (problems.length > 0) throw new ConfigError(problems);
}

function query({ groupBy, measures }: Config): string {
  const keys = groupBy.map(quoted);
  // A line end after each measure ends a comment in it.
  const values = Object.values(measures).map((measure) => `(${measure}\n)`);
  const order = keys.map((key) => `${key} ASC NULLS LAST`);
  const grouping = keys.length === 0 ? "" : ` GROUP BY ${keys.join(", ")} ORDER BY ${order.join(", ")}`;
  return `SELECT ${[...keys, ...values].join(", ")} FROM input${grouping}`;
}

function outputSchema(schema: Schema, c: Config, wideSums?: boolean): Schema {
  const keys = c.groupBy.map((name) => schema.column(name)!);
  const measures = computedColumns("measures", c.measures, (expressions) =>
    checkMeasures(schema, c.groupBy, expressions, wideSums),
  );
  // The query gives the text of a dictionary where a key is one.
  const types = keys.length === 0 ? [] : checkQuery({ input: schema }, keysQuery(c), "/groupBy").columns;
  return new Schema([...keys.map((key, index) => ({ ...key, type: types[index]!.type })), ...measures]);
}

function keysQuery({ groupBy }: Config): string {
  return `SELECT ${groupBy.map(quoted).join(", ")} FROM input`;
}

function checkNames({ groupBy, measures, window }: Config): void {
  const twice = groupBy.flatMap((name, index) =>
    groupBy.indexOf(name) === index ? [] : [taken(name, `/groupBy/${index}`)],
  );
  const both = Object.keys(measures).filter((name) => groupBy.includes(name));
  const times = window === undefined ? [] : windowNames;
  const keyTimes = groupBy.flatMap((name, index) => (times.includes(name) ? [taken(name, `/groupBy/${index}`)] : []));
  const measureTimes = Object.keys(measures).filter((name) => times.includes(name));
  both.push(...measureTimes);
  const problems = [...twice, ...keyTimes, ...both.map((name) => taken(name, toPointer(["measures", name])))];
  if (problems.length > 0) throw new ConfigError(problems);
}

function taken(name: string, pointer: string): ConfigProblem {
  return { code: "duplicate-column", message: `"${name}" is already a column of the result`, pointer };
}
