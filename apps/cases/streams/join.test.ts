import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { batches } from "@sferic/bindings/batch";
import { registry as builtIn } from "@sferic/catalog";
import { planPipeline, type ProtocolPoint, type RunEvent, runPipeline } from "@sferic/engine";
import type { Registry, SourceDefinition } from "@sferic/operator";
import { uniform } from "@sferic/testkit";
import { tableFromIPC } from "apache-arrow";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { jsonRowsIn } from "../json-rows.ts";
import { cutting } from "./cutting.ts";

let base: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "sferic-join-"));
});

afterEach(() => rm(base, { recursive: true }));

/** Seconds from 2026 on; null is a row without time. */
interface Shown {
  readonly ts: number | null;
  readonly k: string | null;
  readonly n: number;
}

const start = Date.UTC(2026, 0, 1);
const timeOf = (second: number): string => new Date(start + second * 1000).toISOString();
const delay = 10;
const [before, after] = [5, 20];
const epochs = 12;

/** Rows of one epoch: about 10 seconds later than those of the epoch before, some of them much too late. */
function drawn(epoch: number, random: () => number, first: number): Shown[] {
  return Array.from({ length: 25 }, (_, index) => {
    const second = epoch * 10 + Math.floor(random() * 25) - (random() < 0.15 ? 60 : 0);
    const ts = random() < 0.05 ? null : Math.max(0, second);
    return { ts, k: random() < 0.1 ? null : "abcd"[Math.floor(random() * 4)]!, n: first + epoch * 100 + index };
  });
}

const spec = {
  name: "meetings",
  sources: Object.fromEntries(
    ["shown", "clicked"].map((id) => [
      id,
      {
        type: "files",
        url: `./${id}/*.json`,
        filesPerEpoch: 1,
        format: { type: "json", schema: { ts: "timestamp", k: "utf8", n: "int64" } },
        watermark: { column: "ts", delay: `${delay} s` },
      },
    ]),
  ),
  transforms: {
    pairs: {
      type: "join",
      from: { left: "shown", right: "clicked" },
      on: ["k"],
      suffix: "_clicked",
      within: { left: "ts", right: "ts", before: `${before} s`, after: `${after} s` },
    },
  },
  sinks: Object.fromEntries(
    ["pairs", "pairs.late", "pairs.invalid"].map((from) => [
      `to-${from.replace(".", "-")}`,
      { type: "files", from, url: `./${from}/`, format: { type: "json" } },
    ]),
  ),
  run: { trigger: "available-now", checkpoint: "./checkpoint" },
};

async function writeInputs(all: Readonly<Record<string, readonly Shown[][]>>): Promise<void> {
  for (const [id, files] of Object.entries(all)) {
    await mkdir(join(base, id));
    for (const [index, rows] of files.entries()) {
      const lines = rows.map((row) => `${JSON.stringify({ ...row, ts: row.ts === null ? null : timeOf(row.ts) })}\n`);
      await writeFile(join(base, id, `${String(index).padStart(3, "0")}.json`), lines.join(""));
    }
  }
}

function written(port: string): Promise<Record<string, unknown>[]> {
  return jsonRowsIn(join(base, port));
}

/** The rows that are not late, epoch by epoch, by the rules of watermarks: the smaller of both, of the epochs before. */
function inTime(all: Readonly<Record<"shown" | "clicked", readonly Shown[][]>>): {
  kept: Record<"shown" | "clicked", Shown[]>;
  late: number[];
} {
  const kept: Record<"shown" | "clicked", Shown[]> = { shown: [], clicked: [] };
  const late: number[] = [];
  const latest = { shown: Number.NEGATIVE_INFINITY, clicked: Number.NEGATIVE_INFINITY };
  let [now, before1] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let epoch = 0; epoch < epochs; epoch += 1) {
    for (const id of ["shown", "clicked"] as const) {
      for (const row of all[id][epoch]!) {
        if (row.ts !== null && row.ts <= before1) late.push(row.n);
        else if (row.ts !== null) kept[id].push(row);
      }
    }
    for (const id of ["shown", "clicked"] as const) {
      for (const { ts } of all[id][epoch]!) latest[id] = Math.max(latest[id], ts ?? latest[id]);
    }
    [before1, now] = [now, Math.max(now, Math.min(latest.shown, latest.clicked) - delay)];
  }
  return { kept, late: late.toSorted((a, b) => a - b) };
}

/** The pairs that SQLite finds in all rows at once, as numbers of the rows. */
function byQuery({ shown, clicked }: Record<"shown" | "clicked", Shown[]>): string[] {
  const database = new DatabaseSync(":memory:");
  for (const [id, rows] of Object.entries({ shown, clicked })) {
    database.exec(`CREATE TABLE ${id} (ts INTEGER, k TEXT, n INTEGER)`);
    const insert = database.prepare(`INSERT INTO ${id} VALUES (?, ?, ?)`);
    for (const { ts, k, n } of rows) insert.run(ts, k, n);
  }
  const pairs = database
    .prepare(
      `SELECT l.n AS l, r.n AS r FROM shown l JOIN clicked r ON l.k = r.k AND r.ts BETWEEN l.ts - ${before} AND l.ts + ${after}`,
    )
    .all();
  database.close();
  return pairs.map(({ l, r }) => `${Number(l)} ${Number(r)}`).toSorted();
}

function registryWith(batchRows: number | undefined): Registry {
  if (batchRows === undefined) return builtIn;
  return {
    batches,
    types: (kind) => builtIn.types(kind),
    find: async (kind, type) => {
      const found = await builtIn.find(kind, type);
      return found?.kind === "source" ? (cutting(found as SourceDefinition, batchRows) as never) : found;
    },
  };
}

const failure = "the machine failed";
const steps: readonly ProtocolPoint[] = ["intent", "staged", "prepared", "all-published", "committed", "acknowledged"];

function failingOnceInEachEpoch(): (event: RunEvent) => void {
  const failed = new Set<number>();
  return (event) => {
    if (event.type !== "point" || failed.has(event.epoch) || event.point !== steps[event.epoch % steps.length]) return;
    failed.add(event.epoch);
    throw new Error(failure);
  };
}

interface Way {
  readonly batchRows?: number;
  readonly stops?: true;
  readonly fails?: true;
}

async function runAll({ batchRows, stops, fails }: Way): Promise<void> {
  const registry = registryWith(batchRows);
  const onEvent = fails === true ? failingOnceInEachEpoch() : (): void => {};
  for (;;) {
    const options = { registry, baseDirectory: base, onEvent, ...(stops === true ? { maxEpochs: 1 } : {}) };
    const result = await runPipeline(spec, options);
    if (result.error?.message.includes(failure) === true) continue;
    expect(result.error).toBeUndefined();
    if (stops !== true || result.epochs === 0) return;
  }
}

const ways: (readonly [string, Way])[] = [
  ["in one run", {}],
  ["in batches of one row", { batchRows: 1 }],
  ["in batches of seven rows, stopped after every epoch", { batchRows: 7, stops: true }],
  ["in batches of 65,536 rows, stopped after every epoch", { batchRows: 65_536, stops: true }],
  ["failing once in every epoch", { fails: true }],
];

describe("two streams meet as SQLite joins all of their rows that were in time", () => {
  it.each(ways)("%s", async (_, way) => {
    const random = uniform(7);
    const draw = (first: number): Shown[][] =>
      Array.from({ length: epochs }, (__, epoch) => drawn(epoch, random, first));
    const all = { shown: draw(0), clicked: draw(10_000) };
    await writeInputs(all);
    await runAll(way);
    const { kept, late } = inTime(all);
    const expected = byQuery(kept);
    expect(expected.length).toBeGreaterThan(200);
    expect(late.length).toBeGreaterThan(20);
    const pairs = await written("pairs");
    expect(pairs.map(({ n, n_clicked: other }) => `${n as number} ${other as number}`).toSorted()).toEqual(expected);
    const told = await written("pairs.late");
    expect(told.map(({ n, n_clicked: other }) => (n ?? other) as number).toSorted((a, b) => a - b)).toEqual(late);
    expect(new Set(told.map(({ input }) => input))).toEqual(new Set(["left", "right"]));
    const untimed = [...all.shown, ...all.clicked].flat().filter(({ ts }) => ts === null);
    expect((await written("pairs.invalid")).length).toBe(untimed.length);
  });
});

test("what can meet nothing any more is not in the checkpoint", async () => {
  const rows = Array.from({ length: 60 }, (_, epoch) => [{ ts: epoch * 30, k: "a", n: epoch }]);
  await writeInputs({ shown: rows, clicked: rows });
  await runAll({});
  const folder = join(base, "checkpoint", "state", "pairs");
  const files = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name))));
  const remembered = files.map((bytes) => tableFromIPC(bytes).numRows);
  expect(Math.max(...remembered)).toBeLessThan(10);
  expect(await written("pairs")).toHaveLength(60);
});

test("windows behind a join wait for its pairs", async () => {
  // In epoch 3 what is not after 115 s is late. The click at 120 s is not, and meets what was shown at 100 s, whose window
  // ends at 110 s: it must still be open.
  const rows = (...files: number[][]): Shown[][] => files.map((seconds, n) => seconds.map((ts) => ({ ts, k: "a", n })));
  const shown = rows([100], [125], [126], [127]);
  const clicked = rows([101], [125], [126], [120]);
  await writeInputs({ shown, clicked });
  const windows = {
    type: "aggregate",
    from: "pairs",
    window: { column: "ts", size: "10 s" },
    measures: { pairs: "count(*)" },
  };
  const sinks = {
    out: { type: "files", from: "windows", url: "./windows/", format: { type: "json" } },
    late: { type: "files", from: "windows.late", url: "./windows.late/", format: { type: "json" } },
  };
  const chained = { ...spec, transforms: { ...spec.transforms, windows }, sinks, run: { ...spec.run, onEnd: "flush" } };
  const result = await runPipeline(chained, { registry: builtIn, baseDirectory: base });
  expect(result.error).toBeUndefined();
  expect(await written("windows.late")).toEqual([]);
  const counts = (await written("windows")).map(({ window_start: at, pairs }) => [
    Date.parse(at as string) - start,
    pairs,
  ]);
  expect(counts.toSorted(([a], [b]) => (a as number) - (b as number))).toEqual([
    [100_000, 2],
    [120_000, 7],
  ]);
});

test("more rows than it may remember end the run, and a higher limit goes on from there", async () => {
  const files = [0, 1, 2].map((n) => Array.from({ length: 300 }, (_, k) => ({ ts: n, k: `${n} ${k}`, n: k })));
  await writeInputs({ shown: files, clicked: files });
  const limited = (stateBytesMax: number): object => ({
    ...spec,
    transforms: { pairs: { ...spec.transforms.pairs, stateBytesMax } },
  });
  const result = await runPipeline(limited(200_000), { registry: builtIn, baseDirectory: base });
  expect(result).toMatchObject({ state: "failed", error: { code: "state-too-large", operatorId: "pairs" } });
  expect(result.error!.message).toMatch(/keeps [\d,]+ rows in/);
  const more = await runPipeline(limited(10_000_000), { registry: builtIn, baseDirectory: base });
  expect(more.state).toBe("succeeded");
  expect(await written("pairs")).toHaveLength(900);
});

test("inputs with other columns do not fit the rows that are remembered", async () => {
  const rows = [[{ ts: 1, k: "a", n: 1 }]];
  await writeInputs({ shown: rows, clicked: rows });
  await runAll({});
  const format = { type: "json", schema: { ts: "timestamp", k: "utf8", n: "int64", more: "utf8" } };
  const shown = { ...spec.sources["shown"], format };
  await writeFile(join(base, "shown", "more.json"), `{"ts":"${timeOf(2)}","k":"a","n":2,"more":"b"}\n`);
  const sources = { ...spec.sources, shown };
  const result = await runPipeline({ ...spec, sources }, { registry: builtIn, baseDirectory: base });
  expect(result).toMatchObject({ state: "failed", error: { code: "checkpoint-mismatch", operatorId: "pairs" } });
});

describe("refuses, before anything is read", () => {
  const { watermark: _, ...untimed } = spec.sources["clicked"] as { watermark: object };
  const { within: __, ...unbounded } = spec.transforms.pairs;
  const withPairs = (fields: object): object => ({
    ...spec,
    transforms: { pairs: { ...spec.transforms.pairs, ...fields } },
  });
  it.each([
    ["no watermark on one side", { ...spec, sources: { ...spec.sources, clicked: untimed } }, "missing-watermark"],
    [
      "no bound",
      { ...spec, transforms: { pairs: unbounded }, sinks: { a: spec.sinks["to-pairs"] } },
      "join-without-bound",
    ],
    ["an outer kind", withPairs({ kind: "left" }), "join-kind"],
    ["keys of two types", withPairs({ on: { k: "n" } }), "column-type"],
    ["a time that is none", withPairs({ within: { left: "n", right: "ts" } }), "column-type"],
    ["a time that is not there", withPairs({ within: { left: "tss", right: "ts" } }), "unknown-column"],
    [
      "a reference",
      { ...spec, sources: { ...spec.sources, clicked: { ...untimed, filesPerEpoch: undefined, role: "reference" } } },
      "join-with-reference",
    ],
    [
      "changed rows",
      { ...spec, sinks: { a: { type: "console", from: "pairs", outputMode: "update" } } },
      "output-mode",
    ],
  ])("%s", async (___, wrong, code) => {
    const { plan, issues } = await planPipeline(wrong, { registry: builtIn });
    expect(plan).toBeNull();
    expect(issues.map((issue) => issue.code)).toContain(code);
  });

  it("what it accepts has no warning that rows do not meet", async () => {
    const { issues } = await planPipeline(spec, { registry: builtIn });
    expect(issues).toEqual([]);
  });
});
