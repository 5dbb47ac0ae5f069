import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { registry } from "@sferic/catalog";
import {
  type Committed,
  inspectCheckpoint,
  openWindows,
  planPipeline,
  repairCheckpoint,
  type RunResult,
  runPipeline,
} from "@sferic/engine";
import { afterEach, beforeEach, expect, it } from "vitest";

let base: string;
let checkpoint: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "sferic-state-"));
  checkpoint = join(base, "checkpoint");
});

afterEach(() => rm(base, { recursive: true }));

const keyCount = 20_000;

interface Shape {
  readonly rows: number;
  readonly rowsPerEpoch: number;
  readonly stateBytesMax?: number;
  readonly onEnd?: "flush";
}

/** Row `index` comes at its millisecond and has one of 20,000 keys, each once in every 20,000 rows. */
function specOf({ rows, rowsPerEpoch, stateBytesMax, onEnd }: Shape): object {
  const limit = stateBytesMax === undefined ? {} : { stateBytesMax };
  const window = { column: "at", size: "1 day" };
  return {
    name: "state",
    sources: {
      rows: {
        type: "generate",
        rows,
        rowsPerEpoch,
        columns: { at: "TIMESTAMP '2026-01-01' + to_milliseconds(index)", k: `(index * 7919) % ${keyCount}` },
        watermark: { column: "at", delay: "1 hour" },
      },
    },
    transforms: {
      sums: { type: "aggregate", from: "rows", groupBy: ["k"], window, measures: { n: "count(*)" }, ...limit },
    },
    sinks: { out: { type: "files", from: "sums", url: "./out/", format: { type: "json" } } },
    run: { trigger: "available-now", checkpoint, ...(onEnd === undefined ? {} : { onEnd }) },
  };
}

function run(shape: Shape, options: object = {}): Promise<RunResult> {
  return runPipeline(specOf(shape), { registry, baseDirectory: base, ...options });
}

/** Counts per key in the output. */
async function counts(): Promise<Map<number, number>> {
  const found = new Map<number, number>();
  for (const name of (await readdir(join(base, "out"))).filter((one) => one.endsWith(".json"))) {
    for (const line of (await readFile(join(base, "out", name), "utf8")).trimEnd().split("\n")) {
      const { k, n } = JSON.parse(line) as { k: number; n: number };
      expect(found.has(k)).toBe(false);
      found.set(k, n);
    }
  }
  return found;
}

function expectedCounts(rows: number): Map<number, number> {
  const expected = new Map<number, number>();
  for (let index = 0; index < rows; index++) {
    const key = (index * 7919) % keyCount;
    expected.set(key, (expected.get(key) ?? 0) + 1);
  }
  return expected;
}

async function committed(epoch: number): Promise<Committed> {
  const path = join(checkpoint, "commits", `${String(epoch).padStart(10, "0")}.json`);
  return (JSON.parse(await readFile(path, "utf8")) as { record: Committed }).record;
}

it("a state that outgrows its limit ends the run with its size, and with a higher limit the run goes on", async () => {
  const shape = { rows: 40_000, rowsPerEpoch: 5000 };
  const failed = await run({ ...shape, stateBytesMax: 1_000_000 });
  expect(failed).toMatchObject({
    state: "failed",
    error: {
      code: "state-too-large",
      operatorId: "sums",
      details: { groups: expect.any(Number), stateBytesMax: 1_000_000 },
    },
  });
  expect(failed.error!.message).toMatch(
    /^"sums" keeps [\d,]+ groups in [\d.]+ MB of memory, and its stateBytesMax is 1 MB\. Let windows close sooner/,
  );
  expect(await run({ ...shape, stateBytesMax: 100_000_000, onEnd: "flush" })).toMatchObject({ state: "succeeded" });
  expect(await counts()).toEqual(expectedCounts(40_000));
});

it("the size of a state stands in the result, the events and the commit records", async () => {
  const states: unknown[] = [];
  const onEvent = (event: { type: string; states?: object }): void =>
    void (event.type === "states" && states.push(event.states));
  const result = await run({ rows: 10_000, rowsPerEpoch: 5000 }, { onEvent });
  const [first, second] = [await committed(0), await committed(1)];
  expect(first.stateSizes).toMatchObject({ sums: { groups: 5000, file: { version: "full" }, files: { count: 1 } } });
  expect(second.stateSizes).toMatchObject({
    sums: {
      groups: 10_000,
      open: { oldestEndMs: Date.UTC(2026, 0, 2), newestEndMs: Date.UTC(2026, 0, 2) },
    },
  });
  expect(result.operators["sums"]!.state).toEqual((await committed(result.epochs - 1)).stateSizes!["sums"]);
  expect(states).toHaveLength(result.epochs);
  expect(states[1]).toEqual(second.stateSizes);
});

it("groups of keys that have another type now are told, and nothing is lost", async () => {
  const shape = { rows: 40_000, rowsPerEpoch: 10_000 };
  await run(shape, { maxEpochs: 2 });
  const columns = { at: "TIMESTAMP '2026-01-01' + to_milliseconds(index)", k: "(index % 100)::VARCHAR" };
  const other = structuredClone(specOf(shape)) as { sources: { rows: { columns: object } } };
  other.sources.rows.columns = columns;
  const failed = await runPipeline(other, { registry, baseDirectory: base });
  expect(failed).toMatchObject({ state: "failed", error: { code: "checkpoint-mismatch" } });
  expect(await run({ ...shape, onEnd: "flush" })).toMatchObject({ state: "succeeded" });
  expect(await counts()).toEqual(expectedCounts(40_000));
});

it("a large state is written whole beside the run, and restored from that and what changed after it", async () => {
  await run({ rows: keyCount, rowsPerEpoch: keyCount });
  const rows = keyCount + 40 * 1000;
  await run({ rows, rowsPerEpoch: 1000 });
  const { states, findings } = await inspectCheckpoint(checkpoint);
  expect(findings).toEqual([]);
  const files = states["sums"]!.files.map(({ path, version }) => ({ name: path.split("/").at(-1)!, version }));
  expect(files[0]).toEqual({ name: expect.stringMatching(/^\d{10}\.whole\.arrow$/), version: "full" });
  expect(files.slice(1).every(({ version }) => version === "delta")).toBe(true);
  await run({ rows, rowsPerEpoch: 1000, onEnd: "flush" });
  expect(await counts()).toEqual(expectedCounts(rows));
});

it("why a window is open: what is kept, how far event time got, and which event time would close it", async () => {
  await run({ rows: 5000, rowsPerEpoch: 5000 });
  const { plan } = await planPipeline(specOf({ rows: 5000, rowsPerEpoch: 5000 }), {
    registry,
    probe: true,
    baseDirectory: base,
  });
  const [report, ...others] = await openWindows(plan!, { checkpoint });
  expect(others).toEqual([]);
  expect(report).toMatchObject({
    operatorId: "sums",
    type: "aggregate",
    watermark: "2025-12-31T23:00:04.999Z",
    groups: 5000,
    open: { oldestEnd: "2026-01-02T00:00:00Z", newestEnd: "2026-01-02T00:00:00Z" },
    isDue: false,
    isFlushed: false,
    holders: [
      {
        operatorId: "rows",
        column: "at",
        delay: "1 hour",
        lastSeen: "2026-01-01T00:00:04.999Z",
        watermark: "2025-12-31T23:00:04.999Z",
        isHolding: true,
        isIdle: false,
        needs: "2026-01-02T01:00:00Z",
        reads: [{ source: "rows", offset: expect.anything() }],
      },
    ],
  });
  await expect(openWindows(plan!, { checkpoint, operatorId: "sum" })).rejects.toMatchObject({
    code: "unknown-operator-id",
    message: expect.stringContaining('did you mean "sums"?'),
  });
  await expect(openWindows(plan!, { checkpoint: join(base, "none") })).rejects.toMatchObject({
    code: "checkpoint-not-found",
  });
});

it.each([
  ["gone", (path: string) => rm(path), "it is missing"],
  ["cut off", (path: string) => writeFile(path, "ARROW1"), "it has 6 bytes"],
  ["altered", alter, "it does not match its checksum"],
])("a file of a state that is %s is found, and a repair lets its operator begin anew", async (_, damage, problem) => {
  await run({ rows: 10_000, rowsPerEpoch: 2000 });
  const before = await inspectCheckpoint(checkpoint);
  const { path } = before.states["sums"]!.files[0]!;
  await damage(path);
  const { findings } = await inspectCheckpoint(checkpoint);
  expect(findings).toMatchObject([{ problem: "corrupt", severity: "error", path }]);
  expect(findings[0]!.message).toContain(problem);
  const refused = await run({ rows: 12_000, rowsPerEpoch: 2000 });
  expect(refused.error).toMatchObject({ code: "checkpoint-corrupt", operatorId: "sums" });
  const planned = await repairCheckpoint(checkpoint, { apply: false });
  expect(planned).toMatchObject({ actions: [{ does: "forget" }], beyondRepair: [] });
  expect(planned.actions[0]!.why).toMatch(/"sums" forgets its 10000 groups and begins anew/);
  expect((await inspectCheckpoint(checkpoint)).findings).toHaveLength(1);
  await repairCheckpoint(checkpoint, { apply: true });
  expect(await inspectCheckpoint(checkpoint)).toMatchObject({ findings: [], states: {}, newest: before.newest });
  const after = await run({ rows: 12_000, rowsPerEpoch: 2000, onEnd: "flush" });
  expect(after.state).toBe("succeeded");
  expect((await counts()).size).toBe(2000);
});

async function alter(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes[bytes.length >> 1]! ^= 1;
  await writeFile(path, bytes);
}

it("what the newest prepared record said of states is not made up by a repair", async () => {
  await run({ rows: 4000, rowsPerEpoch: 2000 });
  const { newest } = await inspectCheckpoint(checkpoint);
  await rm(join(checkpoint, "prepared", `${String(newest!.epoch).padStart(10, "0")}.json`));
  expect(await repairCheckpoint(checkpoint, { apply: true })).toMatchObject({
    actions: [],
    beyondRepair: [{ why: expect.stringContaining("what operators remember") }],
  });
});
