import { expect, test } from "vitest";
import { sferic } from "../testing/sferic.ts";
import { specFile } from "../testing/specs.ts";

const start = Date.UTC(2026, 0, 1);
const at = (second: number): string => new Date(start + second * 1000).toISOString();
const rows = (...seconds: number[]): object[] => seconds.map((second) => ({ ts: at(second) }));

const source = (watermark: object): object => ({
  type: "files",
  url: "./in/*.json",
  format: { type: "json", schema: { ts: "timestamp" } },
  watermark: { column: "ts", delay: "0 s", ...watermark },
});

const sources = { busy: source({}), quiet: source({ idleAfter: "20 s" }) };

/** Counts rows in windows of ten seconds; an epoch every ten seconds. */
function specWith(tests: object[], of: object = sources): object {
  return {
    name: "clocks",
    sources: of,
    transforms: {
      both: { type: "union", from: Object.keys(of) },
      windows: {
        type: "aggregate",
        from: "both",
        window: { column: "ts", size: "10 s" },
        measures: { rows: "count(*)" },
      },
    },
    sinks: { out: { type: "console", from: "windows" } },
    run: { trigger: { everyMs: 10_000 }, checkpoint: "./checkpoint" },
    tests,
  };
}

async function outcome(spec: object): Promise<{ code: number; out: string }> {
  const { code, out, err } = await sferic("test", await specFile(spec));
  return { code, out: (out + err).replaceAll(/\(\d[^)]*\)/g, "(time)") };
}

test("windows close by event time, and by the clock when a source is idle", async () => {
  const window = (second: number, count: number): object[] => [{ window_start: at(second), rows: count }];
  const epochs = [
    { at: at(0), given: { busy: rows(1, 2), quiet: rows(3) }, expect: { windows: [] } },
    { given: { busy: rows(15), quiet: rows(25) }, expect: { windows: [] } },
    { expect: { windows: window(0, 3) } },
    { given: { busy: rows(38, 4) }, expect: { windows: [], "windows.late": [{ ts: at(4) }] } },
    { at: at(30.001), expect: { windows: [{ rows: 1 }, { rows: 1 }] } },
  ];
  const whole = { windows: [{ rows: 3 }, { rows: 1 }, { rows: 1 }] };
  expect(await outcome(specWith([{ name: "closing", epochs, expect: whole }]))).toEqual({
    code: 0,
    out: "✓ closing (time)\n\n1 test: 1 passed\n",
  });
});

test("an epoch without rows takes place only when the watermark has moved", async () => {
  const given = { busy: rows(1), quiet: rows(2) };
  const spec = specWith([{ name: "twice", epochs: [{ given }, {}, {}], expect: { out: [{ rows: 2 }] } }]) as {
    sinks: { out: object };
  };
  const complete = { ...spec, sinks: { out: { ...spec.sinks.out, outputMode: "complete" } } };
  expect((await outcome(complete)).code).toBe(0);
});

test("a difference names its epoch", async () => {
  const epochs = [{ given: { busy: rows(1), quiet: rows(30) } }, { expect: { windows: [{ rows: 1 }] } }];
  const { code, out } = await outcome(specWith([{ name: "closing", epochs }]));
  expect(code).toBe(1);
  expect(out).toContain("  epoch 1, windows: 1 row missing\n");
});

test.each([
  ["clock-goes-back", { epochs: [{ at: at(5) }, { at: at(4), expect: { windows: [] } }] }, "/tests/0/epochs/1/at"],
  ["given-twice", { given: { busy: rows(1) }, epochs: [{ expect: { windows: [] } }] }, "/tests/0/given/busy"],
  ["unknown-id", { epochs: [{ given: { bsy: [] }, expect: { windows: [] } }] }, "/tests/0/epochs/0/given/bsy"],
  ["unknown-column", { epochs: [{ expect: { windows: [{ row: 1 }] } }] }, "/tests/0/epochs/0/expect/windows/0/row"],
  ["invalid-value", { epochs: [{ at: "noon", expect: { windows: [] } }] }, "/tests/0/epochs/0/at"],
  ["invalid-value", { epochs: [{ given: { busy: rows(1) } }] }, "/tests/0"],
  ["clock-not-set", { given: {}, expect: { windows: [] } }, "/tests/0"],
])("%s is found before anything runs", async (code, wrong, pointer) => {
  const skewed = { ...sources, busy: source({ futureSkewMax: "1 s" }) };
  const path = await specFile(specWith([{ name: "wrong", ...wrong }], code === "clock-not-set" ? skewed : sources));
  const result = await sferic("test", path, "--json");
  expect(result.code).toBe(2);
  expect((JSON.parse(result.out) as { issues: object[] }).issues).toMatchObject([{ code, pointer }]);
});
