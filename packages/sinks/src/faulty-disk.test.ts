import { access, mkdir, readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { batches } from "@sferic/bindings/batch";
import { checksumFile } from "@sferic/bindings/formats";
import { queryDatabase } from "@sferic/bindings/relational";
import { csv } from "@sferic/formats/csv";
import { parquet } from "@sferic/formats/parquet";
import {
  type Batch,
  column,
  type Json,
  OperatorError,
  schema,
  type SinkDefinition,
  type Staged,
} from "@sferic/operator";
import {
  deltaRows,
  epochOf,
  operatorContext,
  rowTexts,
  streamOf,
  type TemporaryFolder,
  temporaryFolder,
} from "@sferic/testkit";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { beforeEach, expect, test, vi } from "vitest";
import { delta } from "./delta.ts";
import { duckdb } from "./duckdb.ts";
import { files } from "./files.ts";
import { report } from "./report.ts";

/** Every call that changes the disk, in order; the one of index `failAt` fails, after it was done or before. */
const disk = vi.hoisted(() => ({
  calls: [] as string[],
  failAt: Number.POSITIVE_INFINITY,
  isDoneFirst: false,
  async change<T>(name: string, act: () => Promise<T>): Promise<T> {
    const isFailing = disk.calls.push(name) - 1 === disk.failAt;
    if (!isFailing) return act();
    if (disk.isDoneFirst) await act().catch(() => {});
    throw disk.failure(name);
  },
  failure: (name: string) => Object.assign(new Error(`ENOSPC: no space left on device, ${name}`), { code: "ENOSPC" }),
}));

vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  const names = ["link", "mkdir", "rename", "rm", "rmdir", "truncate", "unlink", "writeFile"] as const;
  const changing = names.map((name) => {
    const act = real[name] as (...args: unknown[]) => Promise<unknown>;
    return [name, (...args: unknown[]) => disk.change(name, () => act(...args))];
  });
  const open = async (path: string, flags: string): Promise<unknown> => {
    const handle = await real.open(path, flags);
    for (const name of ["writeFile", "sync"] as const) {
      const act = handle[name].bind(handle) as (...args: unknown[]) => Promise<void>;
      handle[name] = ((...args: unknown[]) => disk.change(name, () => act(...args))) as never;
    }
    return handle;
  };
  return { ...real, ...Object.fromEntries(changing), open };
});

beforeEach(() => {
  disk.failAt = Number.POSITIVE_INFINITY;
});

interface Subject {
  readonly definition: SinkDefinition;
  readonly config: Readonly<Record<string, Json>>;
  /** Two when left out. */
  readonly epochCount?: number;
  /** What a reader finds; the same texts whenever the same rows were published. */
  visible(folder: string): Promise<string[]>;
}

const subjects: Record<string, Subject> = {
  parquet: { definition: files, config: { url: "out", format: { type: "parquet" } }, visible: checksums },
  csv: { definition: files, config: { url: "out", format: { type: "csv" } }, visible: checksums },
  partitions: {
    definition: files,
    config: { url: "out", format: { type: "csv" }, partitionBy: ["cluster"] },
    visible: checksums,
  },
  growing: {
    definition: files,
    config: { url: "out/a.csv", format: { type: "csv" }, write: "append" },
    visible: checksums,
  },
  delta: { definition: delta, config: { url: "out", optimize: { targetBytes: 65_536 } }, visible: deltaRowTexts },
  duckdb: { definition: duckdb, config: { path: "out/a.duckdb", table: "points" }, visible: tableRows },
  report: { definition: report, config: { path: "out/report.html", pointsMax: 10 }, epochCount: 1, visible: checksums },
};

const cases = Object.entries(subjects).flatMap(([name, subject]) => [
  [name, "before it is done", subject] as const,
  [name, "after it was done", subject] as const,
]);

// Pictures take their time, and are staged as other files are.
test.each(cases.filter(([name, when]) => name !== "report" || when === "after it was done"))(
  "%s: whatever call fails, %s, the next process ends as if nothing had happened",
  { timeout: 300_000 },
  async (_, when, subject) => {
    const isDoneFirst = when === "after it was done";
    await using whole = await folderWithScratch();
    await runEpochs(subject, whole.path, noRecords());
    const expected = await subject.visible(whole.path);
    expect(expected.length).toBeGreaterThan(0);
    const callCount = disk.calls.length;
    expect(callCount).toBeGreaterThan(5);
    for (let failAt = 0; failAt < callCount; failAt++) {
      await using folder = await folderWithScratch();
      const records = noRecords();
      disk.failAt = failAt;
      disk.isDoneFirst = isDoneFirst;
      const failure = await runEpochs(subject, folder.path, records).catch((thrown: unknown) => thrown);
      const where = `call ${disk.failAt}, ${disk.calls[disk.failAt]}`;
      disk.failAt = Number.POSITIVE_INFINITY;
      expect(failure, where).toBeInstanceOf(Error);
      expect((failure as OperatorError).message, where).toContain("no space left");
      await runEpochs(subject, folder.path, records);
      expect(await subject.visible(folder.path), where).toEqual(expected);
      expect(
        (await folder.files()).filter((name) => /staging|scratch|\.new$/.test(name)),
        where,
      ).toEqual([]);
    }
  },
);

/** A folder with that of the sink's own, which the engine makes; no call is counted yet. */
async function folderWithScratch(): Promise<TemporaryFolder> {
  const folder = await temporaryFolder();
  await mkdir(folder.file(".scratch"));
  disk.calls.length = 0;
  return folder;
}

/** What the engine would have in its records: staged epochs as JSON, and those that are committed. */
interface Records {
  readonly prepared: Map<number, string>;
  readonly committed: Set<number>;
}

function noRecords(): Records {
  return { prepared: new Map(), committed: new Set() };
}

/** One process: finishes what another left and runs what is missing of the epochs, as the engine would. */
async function runEpochs({ definition, config, epochCount }: Subject, folder: string, records: Records): Promise<void> {
  const { prepared, committed } = records;
  const context = operatorContext({ directory: folder, formats: [parquet, csv] });
  const sink = definition.create(definition.config.parse(config), context);
  await sink.open?.();
  for (let epoch = 0; epoch < (epochCount ?? 2); epoch++) {
    if (!prepared.has(epoch)) {
      await sink.discard?.(epoch);
      const inputs = { main: streamOf([rows(epoch)]), points: streamOf([rows(epoch)]) };
      prepared.set(epoch, JSON.stringify(await sink.stage(inputs.main, epochOf(epoch), inputs)));
    }
    if (!committed.has(epoch)) await sink.publish(JSON.parse(prepared.get(epoch)!) as Staged, epochOf(epoch));
    committed.add(epoch);
    await sink.discard?.(epoch);
  }
  await sink.close?.();
}

function rows(epoch: number): Batch {
  const columns = schema([column("flash_lon", "float64"), column("flash_lat", "float64"), column("cluster", "int32")]);
  const points = Array.from({ length: 4 }, (_, row) => ({
    flash_lon: 10 * epoch + row,
    flash_lat: row,
    cluster: row % 2,
  }));
  return batches.fromRows(columns, points);
}

async function checksums(folder: string): Promise<string[]> {
  const out = join(folder, "out");
  const entries = (await readdir(out, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const paths = entries.map(({ parentPath, name }) => relative(out, join(parentPath, name)));
  const visible = paths.filter((path) => !path.startsWith("."));
  return Promise.all(
    visible.toSorted().map(async (path) => `${path} ${(await checksumFile(join(out, path))).checksum}`),
  );
}

async function deltaRowTexts(folder: string): Promise<string[]> {
  const rows = await deltaRows(join(folder, "out"), async (path) =>
    parquetReadObjects({ file: await asyncBufferFromFile(path), compressors }),
  );
  return rows.map((row) => JSON.stringify(row)).toSorted();
}

async function tableRows(folder: string): Promise<string[]> {
  await access(join(folder, "out/a.duckdb"));
  const found = await queryDatabase(join(folder, "out/a.duckdb"), "SELECT * FROM points ORDER BY ALL");
  const texts = rowTexts(found);
  found.close();
  return texts;
}
