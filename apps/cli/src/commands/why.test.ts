import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { sferic } from "../testing/sferic.ts";
import { specFile } from "../testing/specs.ts";

/** A row a second; "slow" is a minute behind "fast", and both make windows of ten minutes. */
const base = {
  name: "clicks",
  sources: { fast: rowsFrom("12:00"), slow: rowsFrom("11:59") },
  transforms: {
    both: { type: "union", from: ["fast", "slow"] },
    windows: {
      type: "aggregate",
      from: "both",
      window: { column: "at", size: "10 minutes" },
      measures: { rows: "count(*)" },
    },
  },
  sinks: { out: { type: "files", from: "windows", url: "./out/", format: { type: "json" } } },
  run: { trigger: "available-now", checkpoint: "./check" },
};

function rowsFrom(time: string): object {
  const columns = { at: `TIMESTAMP '2026-01-01 ${time}' + to_seconds(index)` };
  return { type: "generate", rows: 300, rowsPerEpoch: 100, columns, watermark: { column: "at", delay: "10 seconds" } };
}

test("says what is open, which source holds the watermark back, and what closes the oldest window", async () => {
  const spec = await specFile(base);
  expect((await sferic("run", spec)).code).toBe(0);
  const { code, out, err } = await sferic("why", spec);
  expect([code, err]).toEqual([0, ""]);
  const lines = out.trimEnd().split("\n");
  expect(lines).toEqual([
    "windows, aggregate, after epoch 3",
    expect.stringMatching(/^ {2}kept {7}1 group kept in \d+ bytes$/),
    "  open       windows that end from 2026-01-01T12:10:00Z to 2026-01-01T12:10:00Z",
    "  watermark  2026-01-01T12:03:49Z in the next epoch",
    "  late       rows of windows that end at 2026-01-01T12:03:49Z or before",
    "",
    "  event time of  column  last seen             delay       watermark                            read",
    "  fast           at      2026-01-01T12:04:59Z  10 seconds  2026-01-01T12:04:49Z                 fast to 300",
    "  slow           at      2026-01-01T12:03:59Z  10 seconds  2026-01-01T12:03:49Z  holds it back  slow to 300",
    "",
    '  The oldest window, which ends at 2026-01-01T12:10:00Z, closes in the epoch after "fast" has given a row of 2026-01-01T12:10:10Z or later and "slow" has given a row of 2026-01-01T12:10:10Z or later.',
    "",
    expect.stringMatching(/^Each of the 4 newest epochs took [\d.]+ m?s: \w+ \d+ %(, \w+ \d+ %)*\.$/),
  ]);
  const { out: json } = await sferic("why", spec, "windows", "--json");
  expect(JSON.parse(json)).toMatchObject({
    checkpoint: join(dirname(spec), "check"),
    operators: [{ operatorId: "windows", holders: [{ isHolding: false }, { isHolding: true }], isDue: false }],
    cost: { epochs: 4, secondsPerEpoch: expect.any(Number), operators: expect.any(Array) },
  });
});

test("a flush has closed everything", async () => {
  const spec = await specFile({ ...base, run: { ...base.run, onEnd: "flush" } });
  await sferic("run", spec);
  const { out } = await sferic("why", spec);
  expect(out).toContain('A run with "onEnd": "flush" has closed everything; whatever comes now is late.');
  expect(out).not.toContain("275760");
});

test.each([
  ["no checkpoint in the spec", { ...base, run: { trigger: "available-now" } }, [], 2, /^error\[usage\].*--checkpoint/],
  ["a checkpoint that is not there", base, [], 3, /^error\[checkpoint-not-found\]/],
  ["a spec with mistakes", { ...base, sinks: {} }, [], 2, /error/],
])("%s", async (_, document, args, code, message) => {
  expect(await sferic("why", await specFile(document), ...args)).toMatchObject({
    code,
    err: expect.stringMatching(message),
  });
});

test("an operator that is not there, or remembers nothing", async () => {
  const spec = await specFile(base);
  await sferic("run", spec);
  expect(await sferic("why", spec, "window")).toMatchObject({
    code: 2,
    err: expect.stringMatching(/There is no operator "window"; did you mean "windows"\?/),
  });
  expect(await sferic("why", spec, "both")).toMatchObject({
    code: 2,
    err: expect.stringMatching(/"both" remembers nothing from epoch to epoch\. .*: "windows"\./),
  });
});
