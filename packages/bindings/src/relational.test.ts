import { column, schema } from "@sferic/operator";
import { tableFromArrays } from "apache-arrow";
import { describe, expect, it } from "vitest";
import { batches } from "./batch.ts";
import { checkExpressions, checkMeasures, duckdbVersion, Projection, queryDatabase, quoted } from "./relational.ts";

const columns = schema([column("n", "int32"), column("odd name", "utf8", { nullable: true })]);

describe("checkExpressions", () => {
  it("gives type and nullability of each, in order", () => {
    const expressions = ["n + 1", "n / 2", '"odd name"', "n > 0"];
    const checked = checkExpressions(
      columns,
      expressions.map((expression) => ({ expression, pointer: "/x" })),
    );
    expect(checked.problems).toEqual([]);
    expect(checked.columns.map(({ type }) => type)).toEqual(["int32", "float64", "utf8", "bool"]);
    expect(checked.columns[2]!.nullable).toBe(true);
  });

  it("counts offsets as JavaScript does: in UTF-16 units", () => {
    const { problems } = checkExpressions(columns, [{ expression: "'⚡𝄞' = nn", pointer: "/where" }]);
    expect(problems).toMatchObject([{ code: "unknown-column", pointer: "/where", offset: 8, length: 2, hint: "n" }]);
  });

  it.each([
    ["CAST(n AS INETGER)", { offset: 10, length: 7, hint: "INTEGER" }],
    ["TIMETSAMP '2026-01-01' IS NULL", { offset: 0, length: 9, hint: "TIMESTAMP" }],
    ["n + daby(DATE '2026-01-01')", { offset: 4, length: 4, hint: "day" }],
  ])("shows and corrects the name of a type or function: %s", (expression, told) => {
    const { problems } = checkExpressions(columns, [{ expression, pointer: "/x" }]);
    expect(problems).toMatchObject([{ code: "invalid-expression", ...told }]);
  });

  it("measures a name in quotes with its quotes", () => {
    const { problems } = checkExpressions(columns, [{ expression: `n > 0 AND "od ""name" = 'a'`, pointer: "/where" }]);
    expect(problems).toMatchObject([{ code: "unknown-column", offset: 10, length: 11 }]);
  });
});

it("checkMeasures tells which measures can be null", () => {
  const measures = ["sum(n)", "count(*)", 'count("odd name")', "n", "n IS NULL", "max(n) + 1"];
  const checked = checkMeasures(
    columns,
    ["n"],
    measures.map((expression) => ({ expression, pointer: "/x" })),
  );
  expect(checked.problems).toEqual([]);
  expect(checked.columns.map(({ nullable }) => nullable)).toEqual([true, false, false, true, false, true]);
});

describe("a projection", () => {
  const rows = () => batches.fromArrow(tableFromArrays({ n: Int32Array.of(1, 2, 3) }));

  it("closes the batch that it takes, when it fails too", async () => {
    const [good, bad] = [rows(), rows()];
    const out = await new Projection({ m: "n * 2" }, "n > 1").apply(good);
    expect(out.column("m").values).toEqual(Int32Array.of(4, 6));
    out.close();
    const failing = new Projection({ m: "n + 2147483646" }, null).apply(bad);
    await expect(failing).rejects.toMatchObject({ code: "expression-failed", details: { row: 1 } });
    for (const taken of [good, bad]) expect(() => taken.rowCount).toThrow("closed");
  });

  it("does nothing after an abort but throw its reason", async () => {
    const reason = new Error("enough");
    const batch = rows();
    await expect(new Projection(null, "n > 1").apply(batch, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(() => batch.rowCount).toThrow("closed");
  });
});

it("asks a database in memory, in the version that is installed", async () => {
  const answer = await queryDatabase(":memory:", "SELECT version() AS v, 42::BIGINT AS n");
  expect(answer.column("n").values).toEqual(BigInt64Array.of(42n));
  expect(answer.toArrow().getChild("v")!.get(0)).toBe(duckdbVersion());
  answer.close();
});

it("says what is wrong with a query that is no SQL", async () => {
  await expect(queryDatabase(":memory:", "SELEC 1")).rejects.toMatchObject({
    name: "OperatorError",
    message: expect.stringContaining('syntax error at or near "SELEC"'),
  });
});

it("quotes a name so that any character may stand in it", () => {
  expect(quoted('a "b"; --')).toBe('"a ""b""; --"');
});
