import { cp, readdir, readFile, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import { batches } from "@sferic/bindings/batch";
import {
  type Batch,
  type Bounds,
  column,
  type Json,
  type Offset,
  type ReadRequest,
  rowsOf,
  schema,
  type Source,
} from "@sferic/operator";
import {
  deltaFolder,
  describeSource,
  epochOf,
  operatorContext,
  planContext,
  type TemporaryFolder,
  temporaryFolder,
} from "@sferic/testkit";
import { expect, it, test } from "vitest";
import { delta } from "./delta.ts";
import { appendRows } from "./testing/delta-tables.ts";

const points = schema([column("n", "int32"), column("name", "utf8")]);

const numbered = (portion: number): Batch =>
  batches.fromRows(
    points,
    ["first", "second"].map((name) => ({ n: portion, name: `${portion} ${name}` })),
  );

/** One portion is one file; two of them are a version of the table. */
describeSource({
  definition: delta,
  onePortion: { filesPerEpoch: 1 },
  portionsAheadMax: 0,
  arrange: async (directory, portionCount) => {
    const table = join(directory, "table");
    const portions = Array.from({ length: portionCount }, (_, portion) => numbered(portion));
    const perVersion = portionCount > 10 ? portionCount : 2;
    while (portions.length > 0) await appendRows(table, portions.splice(0, perVersion));
    return {
      config: { url: "table", startAt: { version: 0 } },
      change: async () => {
        const name = (await readdir(table)).find((file) => file.endsWith(".parquet"));
        await truncate(join(table, name!), 10);
      },
    };
  },
  arrangeExamples: async (directory) => {
    await appendRows(join(directory, "lake/points"), [numbered(0)]);
    return {};
  },
});

interface Options {
  readonly config?: Readonly<Record<string, Json>>;
  readonly request?: ReadRequest;
}

function opened(directory: string, { config = {}, request }: Options = {}): Source {
  const context = operatorContext({ directory });
  const wanted = request === undefined ? {} : { request };
  return delta.create(delta.config.parse({ url: "table", ...config }), { ...context, ...wanted });
}

async function read(source: Source, start: Offset | null, end: Offset): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  for await (const output of source.read(start, end, epochOf())) {
    if ("bytesRead" in output) continue;
    const batch = output as Batch;
    rows.push(...rowsOf(batch));
    batch.close();
  }
  return rows;
}

/** The rows of all epochs from an offset on. */
async function epochs(source: Source, from: Offset | null = null, bounds: Bounds = {}): Promise<unknown[][]> {
  const found: unknown[][] = [];
  let previous = from;
  for (;;) {
    const next = await source.latestOffset(previous, bounds);
    if (next === null) return found;
    found.push((await read(source, previous, next)).map(({ n }) => n));
    previous = next;
  }
}

const numbers = (...values: number[]): Batch =>
  batches.fromRows(
    schema([column("n", "int32")]),
    values.map((n) => ({ n })),
  );

/** A folder with a table of three versions: 1 and 2, then 3, then 4. */
async function threeVersions(): Promise<TemporaryFolder> {
  const folder = await temporaryFolder();
  for (const values of [[1, 2], [3], [4]]) await appendRows(folder.file("table"), [numbers(...values)]);
  return folder;
}

/** Rows without their nulls, at every depth, and with times in milliseconds, as Spark writes them into JSON. */
function comparable(rows: readonly unknown[]): unknown {
  return JSON.parse(JSON.stringify(rows), (_, value: unknown) => {
    if (typeof value === "string" && /^\d{4}-\d\d-\d\dT/.test(value)) return Date.parse(value);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== null));
  });
}

/** A line of Spark's, which has bytes in base 64. */
function sparkRow(line: string): Record<string, unknown> {
  const { raw, ...row } = JSON.parse(line) as Record<string, unknown> & { raw?: string };
  return raw === undefined ? row : { ...row, raw: Buffer.from(raw, "base64").toString("hex") };
}

test.each(["types", "mapped", "ids"])("reads the table %s as Spark does", async (name) => {
  const source = opened(deltaFolder, { config: { url: name } });
  const end = await source.latestOffset(null, {});
  const rows = (await read(source, null, end!)).toSorted((a, b) => Number(a["id"]) - Number(b["id"]));
  const lines = (await readFile(join(deltaFolder, `${name}.jsonl`), "utf8")).trimEnd().split("\n");
  expect(comparable(rows)).toEqual(comparable(lines.map(sparkRow)));
});

it("reads only the files and columns that are wanted", async () => {
  const conditions = [{ column: "part", comparison: "in", values: ["odd"] } as const];
  const source = opened(deltaFolder, { config: { url: "mapped" }, request: { columns: ["label"], conditions } });
  const end = await source.latestOffset(null, {});
  const labels = (await read(source, null, end!)).map((row) => Object.values(row).join());
  const odd = Array.from({ length: 50 }, (_, half) => 2 * half + 1).filter((n) => n % 10 !== 3);
  expect(labels.toSorted()).toEqual([...odd.map((n) => `n${n}`), "late"].toSorted());
});

it("begins with what is there and goes on with what is added", async () => {
  await using folder = await threeVersions();
  const source = opened(folder.path);
  const first = await source.latestOffset(null, {});
  expect(first).toMatchObject({ version: 2, whole: 2 });
  await appendRows(folder.file("table"), [numbers(5)]);
  await appendRows(folder.file("table"), [numbers(6)]);
  expect(await epochs(source)).toEqual([[1, 2, 3, 4, 5, 6]]);
  expect(await epochs(source, first, { filesPerEpoch: 1 })).toEqual([[5], [6]]);
  expect(await epochs(opened(folder.path), first)).toEqual([[5, 6]]);
});

it("begins with the next rows, or with a version", async () => {
  await using folder = await threeVersions();
  const latest = opened(folder.path, { config: { startAt: "latest" } });
  const start = await latest.latestOffset(null, {});
  expect(await read(latest, null, start!)).toEqual([]);
  await appendRows(folder.file("table"), [numbers(5)]);
  expect(await epochs(latest, start)).toEqual([[5]]);
  expect(await epochs(opened(folder.path, { config: { startAt: { version: 1 } } }))).toEqual([[3, 4, 5]]);
});

it("reads a table as of a version or a time, and nothing after it", async () => {
  await using folder = await threeVersions();
  expect(await epochs(opened(folder.path, { config: { version: 0 } }))).toEqual([[1, 2]]);
  const now = new Date(Date.now() + 1000).toISOString();
  expect(await epochs(opened(folder.path, { config: { timestamp: now } }))).toEqual([[1, 2, 3, 4]]);
  const long = opened(folder.path, { config: { timestamp: "1999-01-01T00:00:00Z" } });
  await expect(long.latestOffset(null, {})).rejects.toMatchObject({ code: "no-version" });
  const config = delta.config.parse({ url: "table", version: 7 });
  await expect(delta.output(config, planContext({ directory: folder.path }))).rejects.toMatchObject({
    problems: [{ code: "no-version", pointer: "/version" }],
  });
});

it("stops at versions that take rows away, or passes over them", async () => {
  await using folder = await temporaryFolder();
  await cp(join(deltaFolder, "mapped"), folder.file("table"), { recursive: true });
  const startAt = { version: 1 };
  const stopped = opened(folder.path, { config: { startAt } });
  await expect(stopped.latestOffset(null, {})).rejects.toMatchObject({
    code: "source-changed",
    message: expect.stringMatching(/version 4 .*onChange/),
  });
  const skipping = opened(folder.path, { config: { startAt, onChange: "skip" } });
  const end = await skipping.latestOffset(null, {});
  const found = (await read(skipping, null, end!)).map((row) => Number(row["id"]));
  expect(found.toSorted((a, b) => a - b)).toEqual([...Array(100).keys(), 1000]);
});

it("names the version whose files were vacuumed, and the log that is gone", async () => {
  await using folder = await threeVersions();
  const table = folder.file("table");
  const source = opened(folder.path);
  const end = await source.latestOffset(null, {});
  const name = (await readdir(table)).find((file) => file.endsWith(".parquet"));
  await rm(join(table, name!));
  await expect(read(source, null, end!)).rejects.toMatchObject({
    code: "source-changed",
    message: expect.stringContaining("version 2"),
  });
  const early = opened(folder.path, { config: { startAt: { version: 0 } } });
  await appendRows(table, [numbers(5)]);
  await rm(join(table, "_delta_log/00000000000000000001.json"));
  await expect(early.latestOffset(null, {})).rejects.toMatchObject({ code: "invalid-table" });
});

it("knows a table that was made anew", async () => {
  await using folder = await threeVersions();
  const end = await opened(folder.path).latestOffset(null, {});
  await rm(folder.file("table"), { recursive: true });
  await expect(opened(folder.path).latestOffset(end, {})).rejects.toMatchObject({ code: "missing-input" });
  await appendRows(folder.file("table"), [numbers(1)]);
  await expect(opened(folder.path).latestOffset(end, {})).rejects.toMatchObject({ code: "source-changed" });
});

it("keeps the columns of a checkpoint while the table gets more", async () => {
  await using folder = await threeVersions();
  const pinned = schema([column("n", "int32", { nullable: true })]);
  await appendRows(folder.file("table"), [numbered(5)], { mergeSchema: true });
  const config = delta.config.parse({ url: "table" });
  const context = planContext({ directory: folder.path });
  const { main } = await delta.output(config, context);
  expect(main!.names).toEqual(["n", "name"]);
  expect((await delta.output(config, { ...context, pinned }))["main"]).toBe(pinned);
  const source = opened(folder.path, { request: { schema: pinned, conditions: [] } });
  const end = await source.latestOffset(null, {});
  expect((await read(source, null, end!)).at(-1)).toEqual({ n: 5 });
});
