import { uniform } from "@sferic/testkit";
import { describe, expect, it } from "vitest";
import { aggregate } from "./aggregate.ts";
import { filter } from "./filter.ts";
import { join } from "./join.ts";
import { select } from "./select.ts";
import { randomCondition, randomMeasure, randomNumber, randomText } from "./testing/random-expressions.ts";
import { arrowTable, type Cell, cellsOf, randomTable, type SmallTable, sorted, sqlite } from "./testing/sqlite.ts";

/** Tables of no row, of one, and of many that repeat values and hold nulls. */
const sizes = [0, 1, 3, 40, 200];

function tableOf(seed: number): SmallTable {
  return randomTable({ a: "int", b: "int", s: "text", t: "text" }, sizes[seed % sizes.length]!, uniform(seed));
}

/** SQLite has no booleans. */
function plain(rows: readonly (readonly Cell[])[]): Cell[][] {
  return rows.map((row) => row.map((cell) => (typeof cell === "boolean" ? Number(cell) : cell)));
}

const seeds = (first: number, count: number): number[] => Array.from({ length: count }, (_, index) => first + index);

describe("random expressions mean what they mean to SQLite", () => {
  it.each(seeds(1000, 15))("select, seed %i", async (seed) => {
    const random = uniform(seed);
    const table = tableOf(seed);
    const kinds = [randomNumber, randomText, randomCondition];
    const expressions = Array.from({ length: 9 }, (_, index) => kinds[index % 3]!(random));
    const columns = Object.fromEntries(expressions.map((expression, index) => [`c${index}`, expression]));
    const { main } = await select.run(arrowTable(table), { columns });
    const found = plain(cellsOf(main));
    const expected = sqlite({ t: table }, `SELECT ${expressions.join(", ")} FROM t`);
    for (const [index, expression] of expressions.entries()) {
      expect(
        found.map((row) => row[index]),
        expression,
      ).toEqual(expected.map((row) => row[index]));
    }
  });

  it.each(seeds(2000, 60))("filter, seed %i", async (seed) => {
    const table = tableOf(seed);
    const where = randomCondition(uniform(seed));
    const { main } = await filter.run(arrowTable(table), { where });
    expect(cellsOf(main), where).toEqual(sqlite({ t: table }, `SELECT * FROM t WHERE ${where}`));
  });

  it.each(seeds(3000, 30))("aggregate, seed %i", async (seed) => {
    const random = uniform(seed);
    const table = tableOf(seed);
    const groupBy = [[], ["s"], ["a"], ["a", "t"], ["b", "s", "t"]][seed % 5]!;
    const measures = Array.from({ length: 3 }, () => randomMeasure(random));
    const named = Object.fromEntries(measures.map((measure, index) => [`m${index}`, measure]));
    const { main } = await aggregate.run(arrowTable(table), { groupBy, measures: named });
    const grouping = groupBy.length === 0 ? "" : ` GROUP BY ${groupBy.join(", ")}`;
    const query = `SELECT ${[...groupBy, ...measures].join(", ")} FROM t${grouping}`;
    expect(sorted(cellsOf(main)), query).toEqual(sorted(sqlite({ t: table }, query)));
  });

  it.each(seeds(4000, 30))("join of computed columns, seed %i", async (seed) => {
    const random = uniform(seed);
    const tables = { l: tableOf(seed), r: tableOf(seed + 2) };
    const kind = (["inner", "left", "right", "full"] as const)[seed % 4]!;
    const [leftKey, rightKey] = seed % 2 === 0 ? [randomNumber, randomNumber] : [randomText, randomText];
    const left = { key: leftKey(random), a: "a" };
    const right = { key: rightKey(random), other: "s" };
    const inputs = {
      left: (await select.run(arrowTable(tables.l), { columns: left })).main,
      right: (await select.run(arrowTable(tables.r), { columns: right })).main,
    };
    const { main } = await join.run(inputs, { on: ["key"], kind });
    const query = `SELECT coalesce(l.key, r.key), a, other FROM (SELECT ${left.key} AS key, a FROM l) l
      ${kind.toUpperCase()} JOIN (SELECT ${right.key} AS key, s AS other FROM r) r ON l.key = r.key`;
    expect(sorted(cellsOf(main)), query).toEqual(sorted(sqlite(tables, query)));
  });
});
