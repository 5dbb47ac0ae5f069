import { mkdir } from "node:fs/promises";
import { batches } from "@sferic/bindings/batch";
import { queryDatabase } from "@sferic/bindings/relational";
import type { Batch } from "@sferic/operator";
import {
  dataSet,
  epochOf,
  fileAt,
  granuleFolder,
  minuteGranules,
  operatorContext,
  streamOf,
  temporaryFolder,
} from "@sferic/testkit";
import { csv } from "@sferic/formats/csv";
import { glm } from "@sferic/formats/glm";
import { duckdb } from "@sferic/sinks/duckdb";
import { files } from "@sferic/sinks/files";
import { filter } from "@sferic/transforms/filter";
import { select } from "@sferic/transforms/select";
import { afterEach, expect, it, vi } from "vitest";

afterEach(() => {
  vi.restoreAllMocks();
});

/** Watches every way by which a value of a batch becomes a JavaScript value, or the other way round. */
async function watchedWays(): Promise<Record<string, { mock: { calls: unknown[][] } }>> {
  const some = await dataSet("empty");
  const prototype = Object.getPrototypeOf(some) as Batch;
  some.close();
  return {
    column: vi.spyOn(prototype, "column"),
    toArrow: vi.spyOn(prototype, "toArrow"),
    fromArrow: vi.spyOn(batches, "fromArrow"),
    fromRows: vi.spyOn(batches, "fromRows"),
  };
}

it("makes no JavaScript value of any row from the granules to CSV and DuckDB", async () => {
  await using folder = await temporaryFolder();
  const context = operatorContext({ directory: folder.path, formats: [csv] });
  await mkdir(context.scratchDirectory);
  const granules = await Promise.all(minuteGranules.map((name) => fileAt(`${granuleFolder}${name}`)));
  const ways = await watchedWays();
  const epoch = epochOf();

  const flashes = glm.create(glm.config.parse({})).decode!(granules, epoch.signal) as AsyncIterable<Batch>;
  const columns = { time: "flash_time", energy_fj: "flash_energy * 1e15", quality_flag: "quality_flag" };
  const selected = select.create({ columns }, context).apply(flashes, epoch, {}) as AsyncIterable<Batch>;
  const good = filter.create({ where: "energy_fj > 0" }, context).apply(selected, epoch, {}) as AsyncIterable<Batch>;
  const [first, second] = shared(await Array.fromAsync(good));
  const toFiles = files.create(files.config.parse({ url: "out", format: { type: "csv" } }), context);
  const toTable = duckdb.create(duckdb.config.parse({ path: "a.duckdb", table: "flashes" }), context);
  for (const [sink, rows] of [
    [toFiles, first],
    [toTable, second],
  ] as const) {
    await sink.open?.();
    const staged = await sink.stage(rows, epoch, {});
    expect(staged?.rows).toBe(853);
    await sink.publish(staged!, epoch);
  }

  const calls = Object.entries(ways).map(([name, { mock }]) => [name, mock.calls.length]);
  expect(Object.fromEntries(calls)).toEqual({ column: 0, toArrow: 0, fromArrow: 0, fromRows: 0 });
  const counted = await queryDatabase(folder.file("a.duckdb"), "SELECT count(*) AS n FROM flashes");
  expect(counted.column("n").values[0]).toBe(853n);
  expect(ways["column"]!.mock.calls).toHaveLength(1);
  counted.close();
});

/** Two streams of handles to the same rows. */
function shared(rows: readonly Batch[]): [AsyncIterable<Batch>, AsyncIterable<Batch>] {
  const others = rows.map((batch) => batch.share());
  return [streamOf(rows), streamOf(others)];
}
