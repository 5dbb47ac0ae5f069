import { planPipeline } from "@sferic/engine";
import { registry } from "@sferic/catalog";
import { isWhole } from "@sferic/testkit";
import { describe, expect, it, test } from "vitest";
import { expectedOf, goldenCases, runGolden, specOf, type Way } from "./golden.ts";

const cases = goldenCases();
const accepted = cases.filter(({ error }) => error === null);
const refused = cases.filter(({ error }) => error !== null);

const ways: (readonly [string, Way])[] = [
  ["as Spark ran it", { stops: false }],
  ["stopped after every epoch", { stops: true }],
  ["in batches of one row", { stops: false, batchRows: 1 }],
  ["in batches of seven rows, stopped after every epoch", { stops: true, batchRows: 7 }],
  ["in batches of 65,536 rows, stopped after every epoch", { stops: true, batchRows: 65_536 }],
  ["failing once in every epoch", { stops: false, fails: true }],
];

/** The ways a case is run: the first, and of the others two, other ones for the next case; or all. */
function waysOf(index: number): typeof ways {
  const others = ways.slice(1);
  const drawn = [2 * index, 2 * index + 1].map((at) => others[at % others.length]!);
  return isWhole ? ways : [ways[0]!, ...drawn];
}

/** Cases whose process is killed in every epoch: one of each kind of state, or all. */
const someKilled = new Set(["dedup_within_watermark_append", "session_append_sessions", "tumbling_append_late"]);
const killed = accepted.filter((golden) => {
  return process.env["SFERIC_GOLDEN_KILLS"] === "all" || isWhole || someKilled.has(golden.case);
});

test("there are as many cases as there are files, most with rows", () => {
  expect(accepted.length).toBeGreaterThanOrEqual(46);
  const rows = accepted.flatMap(expectedOf).flatMap((epoch) => epoch.rows);
  expect(rows.length).toBeGreaterThan(300);
});

describe.each(accepted.map((golden, index) => [golden.case, golden, index] as const))("%s", (_, golden, index) => {
  it.each(waysOf(index))("gives the rows and the watermarks of Spark, %s", async (__, way) => {
    const expected = expectedOf(golden);
    const seen = await runGolden(golden, way);
    if (golden.query.watermark === null) {
      expect(seen.map(({ rows }) => rows)).toEqual(expected.map(({ rows }) => rows));
    } else expect(seen).toEqual(expected);
  });
});

it.each(killed.map((golden, index) => [golden.case, golden, index] as const))(
  "%s gives the rows and the watermarks of Spark, killed once in every epoch",
  async (_, golden, index) => {
    const seen = await runGolden(golden, { stops: false, kills: index });
    const expected = expectedOf(golden);
    expect(seen.map(({ rows }) => rows)).toEqual(expected.map(({ rows }) => rows));
    if (golden.query.watermark !== null) expect(seen).toEqual(expected);
  },
);

const codes: Readonly<Record<string, string>> = {
  session_append_nokey: "session-without-key",
  session_update_sessions: "output-mode",
  tumbling_append_nowatermark: "missing-watermark",
};

describe("refuses, before anything is read, what Spark refuses", () => {
  it.each(refused.map((golden) => [golden.case, golden] as const))("%s", async (name, golden) => {
    const { plan, issues } = await planPipeline(specOf(golden), { registry });
    expect(plan).toBeNull();
    expect(issues.map(({ code }) => code)).toContain(codes[name]);
  });
});
