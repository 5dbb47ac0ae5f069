import { type Batch, column, schema } from "@sferic/operator";
import { Table, makeVector, tableFromArrays } from "apache-arrow";
import { describe, expect, it, vi } from "vitest";
import { batches } from "./batch.ts";
import { checkQuery, type QueryInput, runQuery } from "./query.ts";

const numbers = schema([column("n", "int32")]);
const answer = schema([column("m", "int32", { unit: "J" }), column("row", "int64", { nullable: true })]);

function batch(...values: number[]): Batch {
  return batches.fromArrow(tableFromArrays({ n: Int32Array.from(values) }));
}

async function* streamOf(...given: Batch[]): AsyncGenerator<Batch> {
  yield* given;
}

function input(...given: Batch[]): QueryInput {
  return { schema: numbers, rows: streamOf(...given) };
}

describe("a query", () => {
  it("joins its inputs and gives the answer the columns that it is told", async () => {
    const given = [batch(1, 2), batch(3), batch(1, 2, 3)];
    const inputs = { left: input(given[0]!, given[1]!), 'right "r"': input(given[2]!) };
    const sql = 'SELECT l.n, r.n::BIGINT - 2 FROM "left" l JOIN "right ""r""" r ON l.n + 1 = r.n ORDER BY 1';
    const [only, ...more] = await Array.fromAsync(runQuery(inputs, sql, answer));
    expect(more).toEqual([]);
    expect(only!.schema.columns).toEqual(answer.columns);
    expect(only!.column("m").values).toEqual(Int32Array.of(1, 2));
    expect(only!.column("row").values).toEqual(BigInt64Array.of(0n, 1n));
    only!.close();
    for (const taken of given) expect(() => taken.rowCount).toThrow("closed");
  });

  it("gives many rows in several batches, and none in none", async () => {
    const many = "SELECT range::INTEGER, range FROM range(200000)";
    const given = await Array.fromAsync(runQuery({}, many, answer));
    expect(given.map(({ rowCount }) => rowCount)).toEqual([65_536, 65_536, 65_536, 3392]);
    for (const one of given) one.close();
    expect(await Array.fromAsync(runQuery({}, `${many} WHERE false`, answer))).toEqual([]);
  });

  it("reads a stream twice where it must", async () => {
    const inputs = { t: { ...input(batch(1, 2), batch(3)), rowNumber: "place" } };
    const sql = "SELECT a.n, b.place FROM t a JOIN t b ON a.n = b.n + 1 ORDER BY 1";
    const [only] = await Array.fromAsync(runQuery(inputs, sql, answer));
    expect(only!.column("row").values).toEqual(BigInt64Array.of(0n, 1n));
    only!.close();
  });

  it.each([
    ["SELECT m, 1 FROM t", "invalid-expression"],
    ["CREATE TABLE x (n INTEGER)", "invalid-expression"],
    ["SELECT 'a'::INTEGER, n::BIGINT FROM t", "expression-failed"],
    ["SELECT n FROM t", "internal-error"],
  ])("%s fails as %s, with its input closed", async (sql, code) => {
    const given = batch(1, 2, 3);
    await expect(Array.fromAsync(runQuery({ t: input(given) }, sql, answer))).rejects.toMatchObject({ code });
    await vi.waitFor(() => expect(() => given.rowCount).toThrow("closed"));
  });

  it("ends soon when it is aborted, while it works and while it waits for rows", { retry: 2 }, async () => {
    const endless = "SELECT 1, sum(a.range * b.range)::BIGINT FROM range(10000000) a, range(10000000) b";
    const rows = (async function* (): AsyncGenerator<Batch> {
      yield batch(1);
      await new Promise((resolve) => setTimeout(resolve, 500));
    })();
    for (const [inputs, sql] of [
      [{}, endless],
      [{ t: { schema: numbers, rows } }, "SELECT n, 1::BIGINT FROM t"],
    ] as const) {
      const abort = new AbortController();
      const run = Array.fromAsync(runQuery(inputs, sql, answer, { signal: abort.signal }));
      setTimeout(() => abort.abort(new Error("enough")), 20);
      const started = performance.now();
      await expect(run).rejects.toThrow("enough");
      expect(performance.now() - started).toBeLessThan(400);
    }
  });

  it("fails with what an input fails with", async () => {
    const rows = (async function* (): AsyncGenerator<Batch> {
      yield batch(1);
      throw new Error("the disk is gone");
    })();
    const run = Array.fromAsync(runQuery({ t: { schema: numbers, rows } }, "SELECT n, 1::BIGINT FROM t", answer));
    await expect(run).rejects.toThrow("the disk is gone");
  });

  it("takes no more of an input than it needs", async () => {
    let given = 0;
    const rows = (async function* (): AsyncGenerator<Batch> {
      for (; given < 10_000; given++) yield batches.fromArrow(new Table({ n: makeVector(new Int32Array(70_000)) }));
    })();
    const limited = runQuery({ t: { schema: numbers, rows } }, "SELECT n, 1::BIGINT FROM t LIMIT 5", answer);
    expect((await Array.fromAsync(limited)).map(({ rowCount }) => rowCount)).toEqual([5]);
    expect(given).toBeLessThan(1000);
  });
});

describe("checkQuery", () => {
  const check = (sql: string) => checkQuery({ orders: numbers, "a.invalid": answer }, sql, "/query");

  it("tells the columns", () => {
    const { columns, problems } = check("SELECT n, n / 2 AS half FROM orders");
    expect(problems).toEqual([]);
    expect(columns.map(({ name, type }) => `${name} ${type}`)).toEqual(["n int32", "half float64"]);
  });

  it.each([
    ["SELECT nn FROM orders", { code: "unknown-name", offset: 7, length: 2, hint: "n" }],
    ["SELECT n FROM oders", { code: "unknown-name", offset: 14, length: 5, hint: "orders" }],
    ["SELECT n, random() FROM orders", { code: "invalid-query", offset: 10 }],
    ["SELECT n FROM orders WHERE", { code: "invalid-query" }],
  ])("%s is refused with its place", (sql, expected) => {
    const { problems } = check(sql);
    expect(problems).toMatchObject([{ pointer: "/query", ...expected }]);
  });
});
