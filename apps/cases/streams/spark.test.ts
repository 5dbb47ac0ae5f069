import { planPipeline } from "@sferic/engine";
import { registry } from "@sferic/catalog";
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
  ["failing once in every epoch", { stops: false, fails: true }],
];

test("there are as many cases as there are files, most with rows", () => {
  expect(accepted.length).toBeGreaterThanOrEqual(46);
  const rows = accepted.flatMap(expectedOf).flatMap((epoch) => epoch.rows);
  expect(rows.length).toBeGreaterThan(300);
});

describe.each(accepted.map((golden) => [golden.case, golden] as const))("%s", (_, golden) => {
  it.each(ways)("gives the rows and the watermarks of Spark, %s", async (__, way) => {
    const expected = expectedOf(golden);
    const seen = await runGolden(golden, way);
    if (golden.query.watermark === null) {
      expect(seen.map(({ rows }) => rows)).toEqual(expected.map(({ rows }) => rows));
    } else expect(seen).toEqual(expected);
  });
});

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
