import { type ColumnKind, ConfigError, type ConfigProblem, type Schema } from "@sferic/operator";
import { choiceColumns } from "./choice.ts";
import type { PointColumns } from "./points.ts";

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

function problemsOf(schema: Schema, names: readonly string[], kind: ColumnKind, pointer: string): ConfigProblem[] {
  try {
    schema.require(names, kind);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) => ({ ...problem, pointer }));
  }
}
