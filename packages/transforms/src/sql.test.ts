import type { TransformDefinition } from "@sferic/operator";
import { describeTransform, uniform } from "@sferic/testkit";
import { tableFromArrays } from "apache-arrow";
import { describe, expect, it } from "vitest";
import { sql } from "./sql.ts";
import { arrowTable, cellsOf, randomTable, sqlite } from "./testing/sqlite.ts";

describeTransform({ definition: sql as TransformDefinition });

describe("gives the rows that SQLite gives", () => {
  const random = uniform(7);
  const tables = {
    orders: randomTable({ id: "int", customer: "text", amount: "real" }, 60, random),
    customers: randomTable({ name: "text", discount: "real" }, 12, random),
  };
  it.each([
    "SELECT customer, count(*), sum(amount), min(id) FROM orders GROUP BY customer ORDER BY customer NULLS FIRST",
    "SELECT o.id, c.discount FROM orders o JOIN customers c ON o.customer = c.name ORDER BY 1 NULLS FIRST, 2 NULLS FIRST",
    "SELECT a.id, count(*) AS pairs FROM orders a JOIN orders b ON a.id = b.id GROUP BY a.id ORDER BY 1",
    "WITH rich AS (SELECT * FROM orders WHERE amount > 0) SELECT count(*) AS c FROM rich UNION ALL SELECT count(*) FROM rich",
    "SELECT DISTINCT id FROM orders WHERE id IN (SELECT id FROM orders WHERE amount IS NULL) ORDER BY id NULLS FIRST",
    "SELECT id, row_number() OVER (ORDER BY id NULLS FIRST, customer NULLS FIRST, amount NULLS FIRST) AS place FROM orders ORDER BY place",
    "SELECT 1 AS one, 'x' AS x",
  ])("%s", async (query) => {
    const inputs = { orders: arrowTable(tables.orders), customers: arrowTable(tables.customers) };
    const { main } = await sql.run(inputs, { query });
    expect(cellsOf(main)).toEqual(sqlite(tables, query));
  });
});

const rows = tableFromArrays({ n: Int32Array.of(3, 1, 2), user: ["a", "b", "c"] });

it.each([
  ["SELECT nn FROM t", { code: "unknown-name", pointer: "/query", offset: 7, length: 2, hint: "n" }],
  ["SELECT n, n FROM t", { code: "duplicate-column", pointer: "/query" }],
  ["SELECT now()", { code: "invalid-query", message: expect.stringContaining("clock") }],
  [
    "SELECT * FROM read_text('/etc/hostname')",
    { code: "invalid-query", offset: 14, message: expect.stringContaining("file system operations are disabled") },
  ],
  ["SELECT * FROM duckdb_settings()", { code: "invalid-query", offset: 14 }],
  ["SELECT n + list_sum(range(3000000000)) FROM t", { code: "expression-too-costly", offset: 20 }],
  ["INSERT INTO t VALUES (1)", { code: "invalid-query" }],
  ["SELECT 1; SELECT 2", { code: "invalid-query" }],
  ["SELECT ?", { code: "invalid-query", message: expect.stringContaining("parameter") }],
])("%s is refused", async (query, problem) => {
  await expect(sql.run({ t: rows }, { query })).rejects.toMatchObject({ name: "ConfigError", problems: [problem] });
});

it("takes a column for a column though a function has its name", async () => {
  const { main } = await sql.run({ t: rows }, { query: "SELECT user FROM t ORDER BY n" });
  expect(cellsOf(main)).toEqual([["b"], ["c"], ["a"]]);
});

it("fails on a value that cannot be computed", async () => {
  const run = sql.run({ t: rows }, { query: 'SELECT CAST("user" AS INTEGER) AS u FROM t' });
  await expect(run).rejects.toMatchObject({ code: "expression-failed" });
});
