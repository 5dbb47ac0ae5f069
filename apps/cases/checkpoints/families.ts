import { mkdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  planPipeline,
  replayDeadLetters,
  type ReplayResult,
  type RunOptions,
  type RunResult,
  runPipeline,
} from "@sferic/engine";
import { registry } from "@sferic/catalog";

/** A kind of checkpoint: a pipeline below a folder, with its checkpoint in `cp` and its outputs in `out`. */
export interface Family {
  readonly spec: object;
  /** Epochs that are committed before the run is stopped. */
  readonly epochs: number;
  /** A quicker one that writes the same rows when nothing stops it. */
  readonly whole?: object;
  /** Input files by name, where it has any. */
  readonly input?: Readonly<Record<string, string>>;
}

/** Where a run is stopped: between runs, or in the epoch that follows. */
export const stops = ["cleaned", "prepared", "all-published"] as const;

export type Stop = (typeof stops)[number];

const rows = {
  type: "generate",
  rows: 40,
  rowsPerEpoch: 10,
  columns: { id: "index", half: "index % 2", value: "index * 1.5::DOUBLE" },
};

function pipeline(name: string, parts: object): object {
  return { name, ...parts, run: { trigger: "available-now", checkpoint: "./cp" } };
}

function longPipeline(rowsPerEpoch: number): object {
  return pipeline("long", {
    sources: { rows: { type: "generate", rows: 304, rowsPerEpoch, columns: { id: "index" } } },
    sinks: { csv: { type: "files", from: "rows", url: "./out/rows.csv", write: "append", format: { type: "csv" } } },
  });
}

const at = "TIMESTAMP '2026-01-01' + to_seconds(index)";

/** Every family of sinks, and every kind of file that a checkpoint can have. */
export const families: Readonly<Record<string, Family>> = {
  files: {
    epochs: 2,
    spec: pipeline("parts", {
      sources: { rows },
      sinks: {
        parquet: { type: "files", from: "rows", url: "./out/parquet/", format: { type: "parquet" } },
        csv: { type: "files", from: "rows", url: "./out/csv/", format: { type: "csv" } },
        json: { type: "files", from: "rows", url: "./out/json/", format: { type: "json" } },
        cut: { type: "files", from: "rows", url: "./out/cut/", format: { type: "csv" }, partitionBy: ["half"] },
      },
    }),
  },
  hyphens: {
    epochs: 2,
    spec: pipeline("parts-of", {
      sources: { rows },
      sinks: {
        "a-b": { type: "files", from: "rows", url: "./out/csv/", format: { type: "csv" } },
        "cut-2": { type: "files", from: "rows", url: "./out/cut/", format: { type: "csv" }, partitionBy: ["half"] },
        "one-file": {
          type: "files",
          from: "rows",
          url: "./out/rows.csv",
          write: "append",
          format: { type: "csv" },
        },
        "the-lake": { type: "delta", from: "rows", url: "./out/whole.delta" },
      },
    }),
  },
  append: {
    epochs: 2,
    spec: pipeline("growing", {
      sources: { rows },
      sinks: {
        csv: { type: "files", from: "rows", url: "./out/rows.csv", write: "append", format: { type: "csv" } },
        json: { type: "files", from: "rows", url: "./out/rows.json", write: "append", format: { type: "json" } },
      },
    }),
  },
  duckdb: {
    epochs: 2,
    spec: pipeline("table", {
      sources: { rows },
      sinks: { db: { type: "duckdb", from: "rows", path: "./out/rows.duckdb", table: "t" } },
    }),
  },
  delta: {
    epochs: 2,
    spec: pipeline("lake", {
      sources: { rows },
      sinks: {
        whole: { type: "delta", from: "rows", url: "./out/whole.delta" },
        cut: { type: "delta", from: "rows", url: "./out/cut.delta", partitionBy: ["half"] },
      },
    }),
  },
  report: {
    epochs: 1,
    spec: pipeline("page", {
      sources: { rows: { ...rows, columns: { t: at, who: "index % 2", value: "index * 1.5::DOUBLE" } } },
      transforms: {},
      sinks: {
        page: {
          type: "report",
          from: { samples: "rows" },
          path: "./out/page.html",
          series: { time: "t", by: "who", values: ["value"] },
        },
      },
    }),
  },
  console: {
    epochs: 2,
    spec: pipeline("print", {
      sources: { rows },
      sinks: { lines: { type: "console", from: "rows", format: { type: "json" } } },
    }),
  },
  states: {
    epochs: 3,
    spec: {
      ...pipeline("windows", {
        sources: {
          rows: {
            type: "generate",
            rows: 120,
            rowsPerEpoch: 20,
            columns: { t: at, k: "index % 7", id: "CASE WHEN index % 10 = 0 THEN 0 ELSE index END" },
            watermark: { column: "t", delay: "5 seconds" },
          },
        },
        transforms: {
          once: { type: "deduplicate", from: "rows", keys: ["id"], withinWatermark: true },
          sums: {
            type: "aggregate",
            from: "once",
            window: { column: "t", size: "30 seconds" },
            groupBy: ["k"],
            measures: { n: "count(*)", total: "sum(id)" },
          },
        },
        sinks: {
          csv: { type: "files", from: "sums", url: "./out/sums/", format: { type: "csv" } },
          db: { type: "duckdb", from: "sums", path: "./out/sums.duckdb", table: "t" },
        },
      }),
      run: { trigger: "available-now", checkpoint: "./cp", onEnd: "flush" },
    },
  },
  letters: {
    epochs: 1,
    input: { "a.csv": "a,b\n1,2\n", "b.csv": 'a,b\n"3,4\n', "c.csv": "a,b\n5,6\n", "d.csv": 'a,b\n"7,8\n' },
    spec: pipeline("letters", {
      sources: { rows: { type: "files", url: "./in/*.csv", filesPerEpoch: 2, format: { type: "csv" } } },
      sinks: { csv: { type: "files", from: "rows", url: "./out/rows/", format: { type: "csv" } } },
    }),
  },
  packs: {
    epochs: 301,
    spec: longPipeline(1),
    whole: longPipeline(304),
  },
};

/** A time that input files have, so that a copy of them is the same input. */
const inputTime = new Date("2026-01-01T00:00:00Z");

/** Writes the input of a family; `fixed` is what becomes of files that cannot be read. */
export async function writeInput(folder: string, { input = {} }: Family, fixed = false): Promise<void> {
  await mkdir(join(folder, "in"), { recursive: true });
  for (const [name, text] of Object.entries(input)) {
    const path = join(folder, "in", name);
    await writeFile(path, fixed ? text.replace('"', "") : text);
    await utimes(path, inputTime, inputTime);
  }
}

/** Runs a family in its folder. */
export function run(folder: string, { spec }: Family, options: RunOptions = {}): Promise<RunResult> {
  return runPipeline(spec, { registry, baseDirectory: folder, ...options });
}

/** Runs the epochs of a family and stops the next one where `stop` says. */
export async function runUntil(folder: string, family: Family, stop: Stop): Promise<void> {
  await run(folder, family, { maxEpochs: family.epochs });
  if (stop === "cleaned") return;
  const onEvent: RunOptions["onEvent"] = (event) => {
    if (event.type === "point" && event.point === stop) throw new Error("stopped");
  };
  await run(folder, family, { onEvent });
}

/** Reads the input of dead letters again. */
export async function replay(folder: string, { spec }: Family): Promise<ReplayResult> {
  const { plan } = await planPipeline(spec, { registry, baseDirectory: folder });
  return replayDeadLetters(plan!);
}
