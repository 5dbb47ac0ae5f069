import { randomUUID } from "node:crypto";
import { readdir } from "node:fs/promises";
import { batches } from "@sferic/bindings/batch";
import { DeltaStream, openDelta } from "@sferic/bindings/delta";
import { compactDelta, deltaDetails, deltaHistory, vacuumDelta } from "@sferic/bindings/delta-keep";
import { type Batch, column, type Json, rowsOf, schema, type Sink } from "@sferic/operator";
import { epochOf, isWhole, operatorContext, streamOf, temporaryFolder } from "@sferic/testkit";
import { expect, it } from "vitest";
import { delta } from "./delta.ts";

const columns = schema([column("n", "int32"), column("kind", "utf8")]);

const rowsOfEpoch = (epoch: number, count: number): Batch =>
  batches.fromRows(
    columns,
    Array.from({ length: count }, (_, row) => ({ n: epoch * count + row, kind: row % 3 === 0 ? "a" : "b" })),
  );

function opened(directory: string, config: Readonly<Record<string, Json>>, operatorId = "lake"): Sink {
  return delta.create(delta.config.parse({ url: "table", ...config }), operatorContext({ directory, operatorId }));
}

async function publish(sink: Sink, epoch: number, rows: Batch): Promise<void> {
  const staged = await sink.stage(streamOf([rows]), epochOf(epoch), {});
  await sink.publish(staged!, epochOf(epoch));
}

/** The numbers in a table, sorted. */
async function numbersIn(table: string): Promise<number[]> {
  const { version } = (await openDelta(table))!;
  using stream = new DeltaStream(table, false);
  const found: number[] = [];
  for await (const piece of stream.read({ whole: version }, null, { version }, { conditions: [] })) {
    if ("bytesRead" in piece) continue;
    found.push(...rowsOf(piece as Batch).map(({ n }) => Number(n)));
    (piece as Batch).close();
  }
  return found.toSorted((one, other) => one - other);
}

const upTo = (count: number): number[] => [...Array(count).keys()];

const compaction = (table: string) => ({
  table,
  targetBytes: 1 << 20,
  tailOnly: false,
  compression: "snappy",
  name: randomUUID(),
});

/** Twenty minutes of epochs of 5 seconds, or an hour. The bound is the one that the guide declares. */
it("keeps the files and the log of a long stream few", { timeout: 300_000 }, async () => {
  await using folder = await temporaryFolder();
  const table = folder.file("table");
  const epochs = isWhole ? 720 : 240;
  const targetBytes = 1 << 20;
  const sink = opened(folder.path, { partitionBy: ["kind"], optimize: { targetBytes } });
  const sizes = 1 + Math.floor(Math.log(targetBytes / 8192) / Math.log(16));
  for (let epoch = 0; epoch < epochs; epoch++) {
    await publish(sink, epoch, rowsOfEpoch(epoch, 30));
    if (epoch % 45 > 0) continue;
    const { files, bytes, version, checkpoint } = (await deltaDetails(table))!;
    expect(files).toBeLessThanOrEqual(2 * (15 * sizes + 16) + (2 * bytes) / targetBytes);
    expect(version - (checkpoint ?? 0)).toBeLessThanOrEqual(11);
  }
  await sink.close?.();
  expect(await numbersIn(table)).toEqual(upTo(epochs * 30));
  const operations = (await deltaHistory(table, 1000))!.map(({ operation }) => operation);
  expect(operations.filter((operation) => operation === "OPTIMIZE").length).toBeLessThanOrEqual(epochs / 16);
});

it("puts files together while others append", async () => {
  await using folder = await temporaryFolder();
  const table = folder.file("table");
  const sinks = ["one", "two"].map((operatorId) => opened(folder.path, {}, operatorId));
  await publish(sinks[0]!, 0, rowsOfEpoch(0, 10));
  const appending = sinks.map(async (sink, index) => {
    for (let epoch = 1; epoch <= 15; epoch++) await publish(sink, epoch, rowsOfEpoch(2 * epoch - 1 + index, 10));
  });
  let isAppending = true;
  const appended = Promise.all(appending).finally(() => (isAppending = false));
  const done: (number | null)[] = [];
  while (isAppending) done.push((await compactDelta(compaction(table)))!.version);
  await appended;
  done.push((await compactDelta(compaction(table)))!.version);
  expect(done.some((version) => version !== null)).toBe(true);
  expect(await numbersIn(table)).toEqual(upTo(310));
});

it("has one winner when a table is optimized twice at once", async () => {
  await using folder = await temporaryFolder();
  const table = folder.file("table");
  const sink = opened(folder.path, {});
  for (let epoch = 0; epoch < 5; epoch++) await publish(sink, epoch, rowsOfEpoch(epoch, 10));
  const outcomes = await Promise.allSettled([compactDelta(compaction(table)), compactDelta(compaction(table))]);
  const versions = outcomes.flatMap((one) => (one.status === "fulfilled" ? [one.value!.version] : []));
  expect(versions.filter((version) => version === 5)).toHaveLength(1);
  for (const one of outcomes)
    if (one.status === "rejected") expect(one.reason).toMatchObject({ code: "table-changed" });
  expect(await numbersIn(table)).toEqual(upTo(50));
  await vacuumDelta({ table, force: true, dryRun: false, retentionHours: 0 });
  expect((await readdir(table)).filter((name) => name.endsWith(".parquet"))).toHaveLength(1);
});

it("removes only what no version needs, once it is old", async () => {
  await using folder = await temporaryFolder();
  const table = folder.file("table");
  const sink = opened(folder.path, {});
  for (let epoch = 0; epoch < 3; epoch++) await publish(sink, epoch, rowsOfEpoch(epoch, 10));
  await compactDelta(compaction(table));
  const wish = { table, force: false, dryRun: false };
  expect(await vacuumDelta(wish)).toMatchObject({ files: [], younger: 0, retentionHours: 168 });
  await expect(vacuumDelta({ ...wish, retentionHours: 1 })).rejects.toMatchObject({ code: "retention-too-short" });
  const forced = { ...wish, force: true, retentionHours: 0 };
  const planned = await vacuumDelta({ ...forced, dryRun: true });
  expect(planned!.files).toHaveLength(3);
  expect(await vacuumDelta(forced)).toEqual(planned);
  expect(await vacuumDelta(forced)).toMatchObject({ files: [] });
  expect(await numbersIn(table)).toEqual(upTo(30));
});
