import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { batches } from "@sferic/bindings/batch";
import { registry as builtIn } from "@sferic/catalog";
import { type ProtocolPoint, type RunEvent, type RunResult, runPipeline } from "@sferic/engine";
import { type Registry, type Row, rowsOf, type Sink, type SourceDefinition } from "@sferic/operator";
import { runChild } from "../kill/run-child.ts";
import { cutting } from "./cutting.ts";

/** A case as Spark ran it; `golden/README.md` says what the fields are. */
export interface GoldenCase {
  readonly case: string;
  readonly conf: Readonly<Record<string, string>>;
  readonly query: {
    readonly maxFilesPerTrigger: number;
    readonly watermark: { readonly column: string; readonly delay: string } | null;
    readonly op: Readonly<Record<string, unknown>> & { readonly kind: string };
    readonly keys: readonly string[];
    readonly outputMode: "append" | "update" | "complete";
  };
  readonly inputRuns: readonly (readonly (readonly Row[])[])[];
  readonly inputRuns2?: readonly (readonly (readonly Row[])[])[];
  readonly error: { readonly message: string } | null;
  readonly batches: readonly {
    readonly run: number;
    readonly executed: boolean;
    readonly watermark: string;
    readonly rows: readonly Row[];
  }[];
}

/** What one epoch did. */
export interface EpochSeen {
  /** Rows as sorted lines of JSON. */
  readonly rows: readonly string[];
  /** Time in force, or null where nothing declares an event time. */
  readonly watermark: string | null;
}

/** How a case is run. */
export interface Way {
  /** Ends every run after one epoch. */
  readonly stops: boolean;
  /** Ends a run once in every epoch as if the machine had failed, each time at another step. */
  readonly fails?: boolean;
  /** Kills the process of the run once in every epoch, each time at another step that this number shifts. */
  readonly kills?: number;
  /** Rows of a batch; what the source gives when absent. */
  readonly batchRows?: number;
}

const folder = join(import.meta.dirname, "golden");

/** All cases, by name. */
export function goldenCases(): GoldenCase[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  return names.toSorted().map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as GoldenCase);
}

/** What Spark did, epoch by epoch. */
export function expectedOf({ batches: recorded }: GoldenCase): EpochSeen[] {
  const executed = recorded.filter((batch) => batch.executed);
  return executed.map(({ rows, watermark }) => ({ rows: linesOf(rows), watermark: timeOf(watermark) }));
}

/** Runs a case on the local executor, in as many runs as Spark did. */
export async function runGolden(golden: GoldenCase, way: Way): Promise<EpochSeen[]> {
  const base = await mkdtemp(join(tmpdir(), "sferic-golden-"));
  try {
    const rows = new PublishedRows(base);
    for (const [run] of golden.inputRuns.entries()) {
      const files = await addFiles(base, golden, run);
      await runToTheEnd(golden, way, base, rows, files);
    }
    return await Promise.all(
      rows.epochs().map(async (epoch) => ({
        rows: linesOf(rows.of(epoch)),
        watermark: await watermarkOf(base, epoch),
      })),
    );
  } finally {
    await rm(base, { recursive: true });
  }
}

async function runToTheEnd(
  golden: GoldenCase,
  way: Way,
  base: string,
  rows: PublishedRows,
  files: number,
): Promise<void> {
  const closes = golden.conf["spark.sql.streaming.noDataMicroBatches.enabled"] !== "false";
  const registry = registryWith(rows, way.batchRows);
  const failed = new Set<number>();
  const end = closes ? Number.POSITIVE_INFINITY : rows.epochs().length + files;
  while (rows.epochs().length < end) {
    const maxEpochs = way.stops ? 1 : end - rows.epochs().length;
    const options = Number.isFinite(maxEpochs) ? { maxEpochs } : {};
    if (way.kills !== undefined) {
      if (await isKilled(golden, base, way.kills, options)) continue;
      if (closes) return;
    } else {
      const failing = way.fails === true ? { onEvent: failingOnceInEachEpoch(failed) } : {};
      const result = await runPipeline(specOf(golden), { registry, baseDirectory: base, ...options, ...failing });
      if (result.error?.message.includes(failure) === true) continue;
      if (result.error !== undefined) throw result.error as Error;
      if (!way.stops || result.epochs === 0) return;
    }
  }
}

/** Runs a case in a process of its own, which kills itself when it gets to an epoch that it has not been killed in. */
async function isKilled(golden: GoldenCase, base: string, shift: number, options: object): Promise<boolean> {
  const args = [golden.case, base, String(shift), JSON.stringify(options)];
  const ending = await runChild(args, { program: "../streams/golden-child.ts" });
  if (ending.code !== 0 && !ending.killed) throw new Error(ending.stderr);
  return ending.killed;
}

const failure = "the machine failed";

/** Where an epoch ends before its time, one after the other. */
const steps: readonly ProtocolPoint[] = ["intent", "staged", "prepared", "all-published", "committed", "acknowledged"];

/** Fails in every epoch that has not failed yet. */
function failingOnceInEachEpoch(failed: Set<number>): (event: RunEvent) => void {
  return (event) => {
    if (event.type !== "point" || failed.has(event.epoch) || event.point !== steps[event.epoch % steps.length]) return;
    failed.add(event.epoch);
    throw new Error(failure);
  };
}

/** Writes the files that come before a run; how many epochs they make. */
async function addFiles(base: string, golden: GoldenCase, run: number): Promise<number> {
  const inputs = [golden.inputRuns, golden.inputRuns2].filter((runs) => runs !== undefined);
  for (const [source, runs] of inputs.entries()) {
    await mkdir(join(base, `in${source}`), { recursive: true });
    for (const [index, rows] of runs[run]!.entries()) {
      const name = `${String(run).padStart(3, "0")}-${String(index).padStart(3, "0")}.json`;
      const text = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
      await writeFile(join(base, `in${source}`, name), text);
    }
  }
  return golden.inputRuns[run]!.length;
}

/** The pipeline that does what the query of a case does. */
export function specOf({ query }: GoldenCase): object {
  const { op, keys, watermark, outputMode, maxFilesPerTrigger: filesPerEpoch } = query;
  const watched = watermark === null ? {} : { watermark };
  const source = (index: number): object => ({
    type: "files",
    url: `./in${index}/*.json`,
    filesPerEpoch,
    format: { type: "json", schema: { ts: "timestamp", k: "utf8", v: "int64" } },
    ...watched,
  });
  const sources = op.kind === "union" ? { rows: source(0), others: source(1) } : { rows: source(0) };
  return {
    name: "golden",
    sources,
    transforms: transformsOf(op, keys),
    sinks: { out: { type: "console", from: op.kind === "stateless" ? "rows" : "result", outputMode } },
    run: { trigger: "available-now", checkpoint: "./checkpoint" },
  };
}

const measures = { sum_v: "sum(v)", n: "count(*)" };

function transformsOf(op: GoldenCase["query"]["op"], keys: readonly string[]): object {
  const { kind, size, slide, offset, gap } = op;
  const given = Object.entries({ size, slide, offset, gap }).filter(([, value]) => value !== undefined);
  const window = { column: "ts", ...Object.fromEntries(given) };
  const aggregate = { type: "aggregate", from: "rows", groupBy: keys, measures };
  switch (kind) {
    case "stateless":
      return {};
    case "none":
      return { result: aggregate };
    case "union":
      return { both: { type: "union", from: ["rows", "others"] }, result: { ...aggregate, from: "both", window } };
    case "chained": {
      const outer = { sum_v: "sum(sum_v)", n: "sum(n)", groups: "count(*)" };
      const wide = { column: "window_start", size: op["size2"] };
      const result = { type: "aggregate", from: "inner", measures: outer, window: wide };
      return { inner: { ...aggregate, window }, result };
    }
    case "dedup":
    case "dedup_within_watermark": {
      const within = kind === "dedup" ? {} : { withinWatermark: true };
      return { result: { type: "deduplicate", from: "rows", keys: op["keys"] ?? keys, ...within } };
    }
    default:
      return { result: { ...aggregate, window } };
  }
}

/** The built-in operators, with a console that publishes rows by epoch. */
function registryWith(rows: PublishedRows, batchRows: number | undefined): Registry {
  const create = (): Sink => publishingSink(rows);
  return {
    batches,
    types: (kind) => builtIn.types(kind),
    find: async (kind, type) => {
      const found = await builtIn.find(kind, type);
      if (found?.kind === "sink") return { ...found, create } as never;
      if (found?.kind !== "source" || batchRows === undefined) return found;
      return cutting(found as SourceDefinition, batchRows) as never;
    },
  };
}

/** Rows by epoch, as a reader of the sink sees them; they outlive the process. */
class PublishedRows {
  readonly #folder: string;

  constructor(base: string) {
    this.#folder = join(base, "published");
    mkdirSync(this.#folder, { recursive: true });
  }

  /** Epochs that are published, in their order. */
  epochs(): number[] {
    return readdirSync(this.#folder)
      .map((name) => Number.parseInt(name, 10))
      .toSorted((a, b) => a - b);
  }

  of(epoch: number): Row[] {
    return JSON.parse(readFileSync(join(this.#folder, `${epoch}.json`), "utf8")) as Row[];
  }

  publish(epoch: number, rows: readonly Row[]): void {
    writeFileSync(join(this.#folder, `${epoch}.json`), JSON.stringify(rows));
  }
}

function publishingSink(published: PublishedRows): Sink {
  return {
    async stage(input) {
      const rows: Row[] = [];
      for await (const batch of input) {
        rows.push(...rowsOf(batch));
        batch.close();
      }
      return { rows: rows.length, record: rows };
    },
    publish: ({ record }, { id }) => {
      published.publish(id, record as Row[]);
      return Promise.resolve({ files: [] });
    },
  };
}

/**
 * What a process does that is killed in every epoch: one run of a case, until it gets to the step of an epoch that no process
 * before it has been killed in.
 */
export async function runUntilKilled(name: string, base: string, shift: number, options: object): Promise<RunResult> {
  const golden = goldenCases().find((one) => one.case === name)!;
  const registry = registryWith(new PublishedRows(base), undefined);
  const onEvent = (event: RunEvent): void => {
    if (event.type !== "point" || event.point !== steps[(event.epoch + shift) % steps.length]) return;
    const mark = join(base, `killed-${event.epoch}`);
    if (existsSync(mark)) return;
    writeFileSync(mark, "");
    process.kill(process.pid, "SIGKILL");
  };
  return runPipeline(specOf(golden), { registry, baseDirectory: base, onEvent, ...options });
}

async function watermarkOf(base: string, epoch: number): Promise<string | null> {
  const text = await readFile(join(base, "checkpoint", "offsets", `${String(epoch).padStart(10, "0")}.json`), "utf8");
  const { record } = JSON.parse(text) as { record: { watermarks?: Record<string, { nowMs: number }> } };
  const inForce = record.watermarks?.["out"];
  return inForce === undefined ? null : new Date(inForce.nowMs).toISOString();
}

function linesOf(rows: readonly Row[]): string[] {
  const lines = rows.map((row) => {
    const cells = Object.entries(row).map(([name, value]) => [columnNames[name] ?? name, plain(value)] as const);
    return JSON.stringify(Object.fromEntries(cells));
  });
  return lines.toSorted();
}

const columnNames: Readonly<Record<string, string>> = { window_start: "start", window_end: "end" };

/** A value as both sides tell it: times to the millisecond, all numbers as numbers. */
function plain(value: unknown): unknown {
  if (typeof value !== "string") return value;
  if (/^\d{4}-\d\d-\d\dT/.test(value)) return timeOf(value);
  return /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
}

function timeOf(text: string): string {
  return new Date(text).toISOString();
}
