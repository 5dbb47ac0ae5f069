import { column, Schema } from "@sferic/operator";
import { expect, test } from "vitest";
import { expressionColumns, rowConditions } from "./relational.ts";

const readings = new Schema([
  column("t", "timestamp[us, UTC]"),
  column("day", "date32"),
  column("metric", "int32"),
  column("value", "float64", { nullable: true }),
  column("site", "utf8"),
  column("good", "bool"),
]);

test("expressions tell the columns they use, each once, in the order of the schema", () => {
  expect(expressionColumns(readings, ["value * 2", "coalesce(SITE, 'x') || metric", "value"])).toEqual([
    "metric",
    "value",
    "site",
  ]);
  expect(expressionColumns(readings, ["1", "'t'"])).toEqual([]);
  expect(expressionColumns(readings, ["sum(value) / count(*)"], "group")).toEqual(["value"]);
});

/** The conditions as text. */
function told(where: string): string[] {
  return rowConditions(readings, where).map(({ column: name, comparison, values }) =>
    [name, comparison, ...values].join(" "),
  );
}

test.each([
  ["metric = 5 AND value > 1.5 AND site = 'a'", ["metric in 5", "value > 15e-1", "site in a"]],
  ["5 >= Metric", ["metric <= 5"]],
  ["value < -1e3", ["value < -1e3"]],
  ["metric BETWEEN 1 AND 9", ["metric >= 1", "metric <= 9"]],
  ["metric IN (1, 2)", ["metric in 1 2"]],
  ["value IS NOT NULL AND (site IS NULL)", ["value is-not-null", "site is-null"]],
  ["t >= '2018-07-02'", ["t >= 2018-07-02"]],
  ["t < TIMESTAMP '2018-07-02 10:30:00'", ["t < 2018-07-02 10:30:00"]],
  ["day = DATE '2018-07-02'", ["day in 2018-07-02"]],
  // Floats keep every digit.
  ["value > 0.39806736691509403e0", ["value > 3.9806736691509403e-1"]],
  // What is understood of a conjunction is told.
  ["good AND metric = 5 AND value + 1 > 2", ["metric in 5"]],
])("%s tells %j", (where, conditions) => {
  expect(told(where)).toEqual(conditions);
});

test.each([
  "metric = 5 OR metric = 7",
  "NOT (metric = 5)",
  "metric <> 5",
  "metric NOT IN (1, 2)",
  "metric IN (1, NULL)",
  "metric = value",
  "metric + 1 = 5",
  "metric = NULL",
  // Text that becomes a number or a day is rounded in its own way.
  "metric = '5'",
  "day = '2018-07-02 10:00:00'",
  "t = '2018-07-02 10:00:00+02'",
  "good = true",
  "lower(site) = 'a'",
])("%s tells nothing", (where) => {
  expect(told(where)).toEqual([]);
});
