import { access, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { sferic } from "../testing/sferic.ts";
import { flashesSpec, specFile } from "../testing/specs.ts";
import type { TortureResult } from "../torture/torture.ts";

/** Two epochs over all files; the sinks would write beside the spec. */
const base = {
  ...flashesSpec,
  sources: { flashes: { ...flashesSpec.sources.flashes, filesPerEpoch: 4 } },
  sinks: {
    lines: { type: "files", from: "strong", url: "./lines/", format: { type: "json" } },
    grown: { type: "files", from: "strong", url: "./grown.csv", write: "append", format: { type: "csv" } },
    db: { type: "duckdb", from: "strong", path: "./flashes.duckdb", table: "flashes" },
    folders: { type: "files", from: "strong", url: "./folders/", format: { type: "json" }, partitionBy: ["satellite"] },
  },
};

function withForgetful(config: object) {
  return {
    ...base,
    plugins: [join(import.meta.dirname, "../testing/forgetful.ts")],
    transforms: { ...base.transforms, odd: { type: "forgetful", from: "strong", ...config } },
    sinks: { lines: { ...base.sinks.lines, from: "odd" } },
  };
}

test(
  "killed at every step and at random, and the user's own outputs are not touched",
  { timeout: 180_000 },
  async () => {
    const path = await specFile(base);
    const { code, out } = await sferic("torture", path, "--kills", "2", "--json");
    const { sinks, kills, failures, epochs, runs } = JSON.parse(out) as TortureResult;
    expect({ code, failures, epochs }).toEqual({ code: 0, failures: [], epochs: 2 });
    // Nine steps, one of them once per sink, in two epochs.
    expect(kills).toEqual({ atSteps: 24, atRandom: 2 });
    expect(runs).toBeGreaterThanOrEqual(26 + 2 + 12);
    const once = { rows: 743, promise: "exactly-once", observed: "exactly-once", lost: 0, doubled: 0, foreign: 0 };
    expect(sinks).toEqual({
      lines: { type: "files", ...once },
      grown: { type: "files", ...once },
      db: { type: "duckdb", ...once },
      folders: { type: "files", ...once },
    });
    expect(await readdir(dirname(path))).toEqual(["pipeline.json"]);
  },
);

test("windows and duplicates that outlive epochs, killed at every step", { timeout: 300_000 }, async () => {
  const path = join(import.meta.dirname, "../../../cases/torture/windows.json");
  const [rows, epochCount] = process.env["SFERIC_TEST_WHOLE"] === "1" ? [8000, 4] : [4000, 3];
  const { code, out } = await sferic("torture", path, "--param", `rows=${rows}`, "--kills", "2", "--json");
  const { sinks, kills, failures, epochs } = JSON.parse(out) as TortureResult;
  expect({ code, failures, epochs }).toEqual({ code: 0, failures: [], epochs: epochCount });
  expect(kills.atSteps).toBeGreaterThanOrEqual(epochCount * 7);
  const once = { promise: "exactly-once", observed: "exactly-once", lost: 0, doubled: 0, foreign: 0 };
  expect(sinks).toMatchObject({ parquet: once, growing: once, late: once, database: once });
  // Of every five ids one comes twice; the first of all rows, and every 97th after it, is a minute early.
  expect(sinks["parquet"]!.rows).toBeGreaterThan(0.75 * rows);
  expect(sinks["parquet"]!.rows).toBeLessThan(0.875 * rows);
});

test(
  "operators that forget: one its first batch twice, one its first batch dropped",
  { timeout: 180_000 },
  async () => {
    const spec = withForgetful({ first: "twice" });
    const dropping = { type: "forgetful", from: "strong", first: "dropped" };
    const both = {
      ...spec,
      transforms: { ...spec.transforms, dropping },
      sinks: { ...spec.sinks, rest: { ...base.sinks.lines, from: "dropping", url: "./rest/" } },
    };
    const { code, out } = await sferic("torture", await specFile(both), "--kills", "0", "--json");
    const { sinks, failures } = JSON.parse(out) as TortureResult;
    expect(code).toBe(1);
    expect(sinks["lines"]).toMatchObject({ observed: "at-least-once", lost: 0 });
    expect(sinks["lines"]!.doubled).toBeGreaterThan(0);
    expect(sinks["rest"]).toMatchObject({ observed: "rows lost", doubled: 0 });
    expect(sinks["rest"]!.lost).toBeGreaterThan(0);
    expect(failures[0]!.reason).toMatch(/lines: .*rest: /);
    await access(join(failures[0]!.folder, "checkpoint/commits"));
    await rm(dirname(failures[0]!.folder), { recursive: true });
  },
);

test("a pipeline that does not give the same rows twice is refused", async () => {
  const marker = join(await mkdtemp(join(tmpdir(), "sferic-marker-")), "marker");
  const { code, err } = await sferic("torture", await specFile(withForgetful({ first: "dropped", marker })));
  expect({ code, err }).toEqual({ code: 1, err: expect.stringMatching(/^error\[not-repeatable\].*for lines/) });
});

test("a failing pipeline is told with its own error", async () => {
  const strict = { type: "expect", from: "strong", checks: { dark: "flash_energy < 0" }, otherwise: "fail" };
  const sinks = { lines: { ...base.sinks.lines, from: "strict" } };
  const spec = { ...base, transforms: { ...base.transforms, strict }, sinks };
  const { code, err } = await sferic("torture", await specFile(spec));
  expect({ code, err }).toEqual({ code: 1, err: expect.stringMatching(/^error\[expectation-failed\]/) });
});
