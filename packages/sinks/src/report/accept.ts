import { type ColumnKind, ConfigError, type ConfigProblem, type Schema } from "@sferic/operator";
import { choiceColumns } from "./choice.ts";
import type { PointColumns } from "./points.ts";
import type { SeriesColumns } from "./series.ts";

/** What is wrong with the columns of the input `points`; a time column may be absent, but not be something else. */
export function pointProblems(points: Schema | undefined, columns: PointColumns): ConfigProblem[] {
  if (points === undefined) {
    return [
      {
        code: "missing-input",
        message: 'the report has no input "points"; write "from": { "points": "<operator>" }',
        pointer: "/from",
      },
    ];
  }
  const { longitude, latitude, label, time } = columns;
  return [
    ...problemsOf(points, [longitude], "number", "/longitude"),
    ...problemsOf(points, [latitude], "number", "/latitude"),
    ...problemsOf(points, [label], "integer", "/label"),
    ...(points.column(time) === undefined ? [] : problemsOf(points, [time], "time", "/time")),
  ];
}

/** What is missing for the input `choice` to be the rows of `select-k`; nothing when it is not connected. */
export function choiceProblems(choice: Schema | undefined): ConfigProblem[] {
  if (choice === undefined) return [];
  return [
    ...problemsOf(choice, choiceColumns.number, "number", "/from/choice"),
    ...problemsOf(choice, choiceColumns.any, "any", "/from/choice"),
  ];
}

/** What is wrong with the inputs `samples` and `means`, which go with the field `series`. */
export function seriesProblems(
  inputs: Readonly<Record<string, Schema>>,
  columns: SeriesColumns | undefined,
): ConfigProblem[] {
  const { samples, means } = inputs;
  if (columns === undefined) {
    if (samples === undefined && means === undefined) return [];
    const message = 'the report has rows to draw over time, but no "series" that names their columns';
    return [{ code: "missing-field", message, pointer: "" }];
  }
  if (samples === undefined) {
    const message = 'the report has no input "samples"; write "from": { "samples": "<operator>" }';
    return [{ code: "missing-input", message, pointer: "/from" }];
  }
  return [samples, means].flatMap((schema) => (schema === undefined ? [] : lineProblems(schema, columns)));
}

function lineProblems(schema: Schema, { time, by, values }: SeriesColumns): ConfigProblem[] {
  return [
    ...problemsOf(schema, [time], "time", "/series/time"),
    ...(by === undefined ? [] : problemsOf(schema, [by], "any", "/series/by")),
    ...values.flatMap((name, index) => problemsOf(schema, [name], "number", `/series/values/${index}`)),
  ];
}

function problemsOf(schema: Schema, names: readonly string[], kind: ColumnKind, pointer: string): ConfigProblem[] {
  try {
    schema.require(names, kind);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) => ({ ...problem, pointer }));
  }
}
