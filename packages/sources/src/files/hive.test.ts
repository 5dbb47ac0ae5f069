import { column, type Condition } from "@sferic/operator";
import { expect, test } from "vitest";
import { isInRange, mayHold, partitionColumns, partitionValues } from "./hive.ts";

test("folders of the URL and of the key are values, decoded; the file's own name is not", () => {
  expect(partitionValues("s3://b/system_id=2/year=*/", "year=2018/month=07/a=b.parquet")).toEqual({
    system_id: "2",
    year: "2018",
    month: "07",
  });
  expect(partitionValues("./in/site=A%20B%2FC/x.csv", "")).toEqual({ site: "A B/C" });
  expect(partitionValues("./in", "k=__HIVE_DEFAULT_PARTITION__/l=/m=100%/x.csv")).toEqual({
    k: null,
    l: null,
    m: "100%",
  });
  expect(partitionValues("./in", "plain/x.csv")).toEqual({});
});

test("columns are integers, dates or text, by all their values", () => {
  const found = partitionColumns([
    { year: "2018", day: "2018-07-02", site: "7", odd: "2018-02-30", none: null },
    { year: "7", day: null, site: "A", odd: "2018-02-01", none: null },
  ]);
  expect(found.map(({ name, type, nullable }) => `${name} ${type} ${nullable}`)).toEqual([
    "year int64 true",
    "day date32 true",
    "site utf8 true",
    "odd utf8 true",
    "none utf8 true",
  ]);
});

test.each([
  ["int64", ["7", "07", "10"]],
  ["int64", ["0", "7", "123"]],
  ["utf8", ["007", "7"]],
  ["utf8", ["007"]],
  ["utf8", ["07", "123"]],
  ["utf8", ["00123", "123456"]],
  ["utf8", ["-007"]],
])("a column is %s with the values %j: leading zeros beside more than two digits are codes", (type, values) => {
  expect(partitionColumns(values.map((v) => ({ v }))).map((found) => found.type)).toEqual([type]);
});

test("a range of days includes both ends, at the width of the folders there are", () => {
  const range = ["2018-03-05", "2018-11-20"] as const;
  const isIn = (values: Record<string, string>): boolean => isInRange(values, range, "x");
  expect(isIn({ year: "2018", month: "3", day: "5" })).toBe(true);
  expect(isIn({ year: "2018", month: "03", day: "04" })).toBe(false);
  expect(isIn({ year: "2018", month: "11", day: "20" })).toBe(true);
  expect(isIn({ year: "2018", month: "11", day: "21" })).toBe(false);
  expect(isIn({ year: "2018", month: "3" })).toBe(true);
  expect(isIn({ year: "2018", month: "2" })).toBe(false);
  expect(isIn({ year: "2018" })).toBe(true);
  expect(isIn({ year: "2019" })).toBe(false);
  expect(isIn({ date: "2018-03-04" })).toBe(false);
  expect(() => isIn({ site: "A" })).toThrow(/no partition "year" or "date"/);
});

const columns = [column("n", "int64"), column("d", "date32"), column("s", "utf8")];

test.each<[name: string, comparison: Condition["comparison"], values: string[], value: string | null, held: boolean]>([
  ["n", "<", ["7"], "7", false],
  ["n", "<=", ["7"], "07", true],
  ["n", ">", ["9"], "10", true],
  ["n", ">", ["7"], "7", false],
  ["n", ">=", ["7"], "7", true],
  ["n", "in", ["1", "2"], "3", false],
  ["n", "in", ["1", "3"], "3", true],
  ["n", "<", ["6.5"], "7", true],
  ["n", "is-null", [], "7", false],
  ["n", "is-null", [], null, true],
  ["n", "is-not-null", [], null, false],
  ["n", "<", ["7"], null, false],
  ["d", ">=", ["2018-07-02"], "2018-07-01", false],
  ["d", ">=", ["2018-07-02 10:00:00"], "2018-07-01", true],
  ["s", "<", ["b"], "a", true],
  ["s", "in", ["A"], "a", false],
  ["other", "in", ["A"], "a", true],
])("%s %s %j for %j", (name, comparison, values, value, held) => {
  expect(mayHold({ [name]: value }, columns, [{ column: name, comparison, values }])).toBe(held);
});
