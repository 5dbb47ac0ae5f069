import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { queryDatabase } from "@sferic/bindings/relational";
import { registry } from "@sferic/catalog";
import { resetCheckpoint, type RunOptions, runPipeline, type RunResult } from "@sferic/engine";
import { rowsOf } from "@sferic/operator";
import { describe, expect, onTestFinished, test } from "vitest";
import { changeIdentity } from "./identity.ts";

/** Each way to write rows that stay, and what a user would remove to be rid of them. */
const sinks = {
  parts: { sink: { type: "files", url: "./out", format: { type: "json" } }, output: "out" },
  append: { sink: { type: "files", url: "./out/all.json", format: { type: "json" }, write: "append" }, output: "out" },
  duckdb: { sink: { type: "duckdb", path: "./out/t.duckdb", table: "t" }, output: "out" },
  delta: { sink: { type: "delta", url: "./out/table" }, output: "out" },
} as const;

type Kind = keyof typeof sinks;
const kinds = Object.keys(sinks) as Kind[];

/** A folder with a pipeline of four epochs, ten rows each. */
class Site {
  readonly folder: string;
  readonly #kind: Kind;

  private constructor(folder: string, kind: Kind) {
    this.folder = folder;
    this.#kind = kind;
  }

  static async of(kind: Kind): Promise<Site> {
    const folder = await mkdtemp(join(tmpdir(), "sferic-fencing-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    return new Site(folder, kind);
  }

  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  /** Runs the pipeline; `checkpoint` null for none. */
  async run({
    checkpoint = "check",
    epochs,
    folder = this.folder,
    sink = {},
    rows = 40,
    stopAt,
  }: {
    readonly checkpoint?: string | null;
    readonly epochs?: number;
    readonly folder?: string;
    readonly sink?: object;
    readonly rows?: number;
    /** Ends the run in this epoch, once its intent is there. */
    readonly stopAt?: number;
  } = {}): Promise<RunResult> {
    const spec = {
      name: "fenced",
      sources: { numbers: { type: "generate", rows, rowsPerEpoch: 10, columns: { id: "index" } } },
      sinks: { out: { ...sinks[this.#kind].sink, from: "numbers", ...sink } },
      run: { trigger: "available-now", ...(checkpoint === null ? {} : { checkpoint: `./${checkpoint}` }) },
    };
    const bounds = epochs === undefined ? {} : { maxEpochs: epochs };
    const onEvent: RunOptions["onEvent"] = (event) => {
      if (event.type === "point" && event.point === "intent" && event.epoch === stopAt) throw new Error("stopped");
    };
    return runPipeline(spec, { registry, baseDirectory: folder, onEvent, ...bounds });
  }

  /** The ids that a reader finds, sorted. */
  async ids(folder = this.folder): Promise<number[]> {
    const rows = await this.#rows(join(folder, "out"));
    return rows.map((row) => Number(row["id"])).toSorted((a, b) => a - b);
  }

  async #rows(out: string): Promise<Record<string, unknown>[]> {
    if (this.#kind === "duckdb") return queried(join(out, "t.duckdb"), "SELECT id FROM t");
    if (this.#kind === "delta") return this.#deltaRows(out);
    const names = (await readdir(out)).filter((name) => !name.startsWith("."));
    const texts = await Promise.all(names.map((name) => readFile(join(out, name), "utf8")));
    return texts.flatMap((text) => text.trimEnd().split("\n")).map((line) => JSON.parse(line) as { id: number });
  }

  async #deltaRows(out: string): Promise<Record<string, unknown>[]> {
    const spec = {
      name: "reader",
      sources: { table: { type: "delta", url: join(out, "table") } },
      sinks: { rows: { type: "files", from: "table", url: "./read", format: { type: "json" } } },
    };
    await runPipeline(spec, { registry, baseDirectory: this.folder });
    const names = (await readdir(this.path("read"))).filter((name) => !name.startsWith("."));
    const texts = await Promise.all(names.map((name) => readFile(this.path("read", name), "utf8")));
    return texts.flatMap((text) => text.trimEnd().split("\n")).map((line) => JSON.parse(line) as { id: number });
  }
}

async function queried(database: string, sql: string): Promise<Record<string, unknown>[]> {
  const batch = await queryDatabase(database, sql);
  const rows = rowsOf(batch);
  batch.close();
  return rows;
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, id) => id);
const conflict = { state: "failed", error: { code: "output-conflict" } };
const succeeded = { state: "succeeded" };

describe.each(kinds)("%s", (kind) => {
  test("a run on an older copy of the checkpoint adds nothing", async () => {
    const site = await Site.of(kind);
    expect(await site.run({ epochs: 2 })).toMatchObject(succeeded);
    await cp(site.path("check"), site.path("copy"), { recursive: true });
    expect(await site.run()).toMatchObject(succeeded);
    expect(await site.ids()).toEqual(numbers(40));
    await rm(site.path("check"), { recursive: true });
    await rename(site.path("copy"), site.path("check"));
    // More input than before, so that the epochs of the copy are others.
    expect(await site.run({ rows: 55 })).toMatchObject(conflict);
    expect(await site.ids()).toEqual(numbers(40));
  });

  test("a copy of the checkpoint with an epoch planned that is published by now adds nothing", async () => {
    const site = await Site.of(kind);
    await site.run({ stopAt: 2 });
    await cp(site.path("check"), site.path("copy"), { recursive: true });
    expect(await site.run({ epochs: 1 })).toMatchObject(succeeded);
    await rm(site.path("check"), { recursive: true });
    await rename(site.path("copy"), site.path("check"));
    await site.run({ epochs: 1, rows: 25 });
    expect(await site.ids()).toEqual(numbers(30));
  });

  test("a copy of the checkpoint that goes on first is the one that goes on", async () => {
    const site = await Site.of(kind);
    await site.run({ epochs: 2 });
    await cp(site.path("check"), site.path("copy"), { recursive: true });
    expect(await site.run({ checkpoint: "copy", epochs: 1 })).toMatchObject(succeeded);
    expect(await site.run()).toMatchObject(conflict);
    expect(await site.run({ checkpoint: "copy" })).toMatchObject(succeeded);
    expect(await site.ids()).toEqual(numbers(40));
  });

  test("a checkpoint that was removed does not double the rows; a reset leaves that to the user", async () => {
    const site = await Site.of(kind);
    await site.run({ epochs: 2 });
    await rm(site.path("check"), { recursive: true });
    expect(await site.run()).toMatchObject(conflict);
    expect(await site.run()).toMatchObject(conflict);
    expect(await site.ids()).toEqual(numbers(20));
    await resetCheckpoint(site.path("check"));
    expect(await site.run({ epochs: 1, rows: 10 })).toMatchObject(succeeded);
    expect((await site.run({ rows: 20 })).error).toBeUndefined();
  });

  test("an output that was emptied is written again under a new checkpoint", async () => {
    const site = await Site.of(kind);
    await site.run({ epochs: 2 });
    await rm(site.path("check"), { recursive: true });
    for (const name of await readdir(site.path("out"))) {
      if (!name.startsWith(".")) await rm(site.path("out", name), { recursive: true });
    }
    expect(await site.run()).toMatchObject(succeeded);
    expect(await site.ids()).toEqual(numbers(40));
  });

  test("two checkpoints of one pipeline: into one output the second stops, into two both are right", async () => {
    const site = await Site.of(kind);
    expect(await site.run({ checkpoint: "one" })).toMatchObject(succeeded);
    expect(await site.run({ checkpoint: "two" })).toMatchObject(conflict);
    expect(await site.ids()).toEqual(numbers(40));
    const other = await Site.of(kind);
    const both = await Promise.all([site.run({ checkpoint: "one" }), other.run({ checkpoint: "two" })]);
    expect(both).toMatchObject([succeeded, succeeded]);
    expect(await other.ids()).toEqual(numbers(40));
  });

  test("two runs at once, into one output: one of them stops, and no row is there twice", async () => {
    const site = await Site.of(kind);
    const ends = await Promise.all([site.run({ checkpoint: "one" }), site.run({ checkpoint: "two" })]);
    const failed = ends.filter(({ state }) => state === "failed");
    expect(failed).toMatchObject([conflict]);
    expect(await site.ids()).toEqual(numbers(40));
  });

  test("checkpoint and output that moved together go on", async () => {
    const site = await Site.of(kind);
    await site.run({ epochs: 2 });
    const moved = await mkdtemp(join(tmpdir(), "sferic-moved-"));
    onTestFinished(() => rm(moved, { recursive: true }));
    for (const name of ["check", "out"]) await rename(site.path(name), join(moved, name));
    expect(await site.run({ folder: moved })).toMatchObject(succeeded);
    expect(await site.ids(moved)).toEqual(numbers(40));
  });

  test("an output that is gone is an error, unless the sink says to start over", async () => {
    const site = await Site.of(kind);
    await site.run({ epochs: 2 });
    await rm(site.path("out"), { recursive: true });
    const error = { code: "output-missing", message: expect.stringContaining("onMissingOutput") };
    expect(await site.run()).toMatchObject({ state: "failed", error });
    expect(await site.run()).toMatchObject({ state: "failed", error });
    expect(await site.run({ sink: { onMissingOutput: "start-over" } })).toMatchObject(succeeded);
    expect(await site.ids()).toEqual(numbers(40).slice(20));
    expect(await site.run()).toMatchObject(succeeded);
  });

  test("a checkpoint of a version without tokens goes on, and marks its output", async () => {
    const site = await Site.of(kind);
    await site.run({ epochs: 2 });
    await forgetTokens(site);
    expect(await site.run({ epochs: 1 })).toMatchObject(succeeded);
    expect(await site.run()).toMatchObject(succeeded);
    expect(await site.ids()).toEqual(numbers(40));
    await rm(site.path("check"), { recursive: true });
    expect(await site.run()).toMatchObject(conflict);
  });

  test("a finished run leaves at most one hidden file", async () => {
    const site = await Site.of(kind);
    await site.run();
    const names = await readdir(site.path("out"), { recursive: true });
    expect(names.filter((name) => /(^|\/)\.(?!.*\.crc$)/.test(name)).length).toBeLessThanOrEqual(1);
  });
});

/** Leaves checkpoint and output as a version would that knew no tokens. */
async function forgetTokens(site: Site): Promise<void> {
  for (const name of await readdir(site.path("out"), { recursive: true })) {
    if (/(^|\/)\.[^/]*sferic/.test(name)) await rm(site.path("out", name));
  }
  await changeIdentity(site.path("check"), ({ isFenced: _, ...old }) => old);
}

test("parts that the user removed are the user's affair", async () => {
  const site = await Site.of("parts");
  await site.run({ epochs: 2 });
  for (const name of await readdir(site.path("out"))) if (name.startsWith("part-")) await rm(site.path("out", name));
  expect(await site.run()).toMatchObject(succeeded);
  expect(await site.ids()).toEqual(numbers(40).slice(20));
});

test("a table that was dropped is an error, also where its database is there", async () => {
  const site = await Site.of("duckdb");
  await site.run({ epochs: 2 });
  await queried(site.path("out", "t.duckdb"), "DROP TABLE t");
  expect(await site.run()).toMatchObject({ state: "failed", error: { code: "output-missing" } });
});

test("a table that is replaced may be written under any checkpoint", async () => {
  const site = await Site.of("duckdb");
  const sink = { write: "replace" };
  expect(await site.run({ checkpoint: "one", sink })).toMatchObject(succeeded);
  expect(await site.run({ checkpoint: "two", sink })).toMatchObject(succeeded);
  expect(await site.ids()).toEqual(numbers(40).slice(30));
});

describe("append without a checkpoint", () => {
  test("does not replace what somebody else wrote", async () => {
    const site = await Site.of("append");
    const text = '{"id":100}\n';
    await mkdir(site.path("out"));
    await writeFile(site.path("out", "all.json"), text);
    const error = { code: "output-conflict", message: expect.stringContaining("checkpoint") };
    expect(await site.run({ checkpoint: null })).toMatchObject({ state: "failed", error });
    expect(await readFile(site.path("out", "all.json"), "utf8")).toBe(text);
  });

  test("replaces its own rows, and no longer once others are among them", async () => {
    const site = await Site.of("append");
    expect(await site.run({ checkpoint: null })).toMatchObject(succeeded);
    expect(await site.run({ checkpoint: null, rows: 35 })).toMatchObject(succeeded);
    expect(await site.ids()).toEqual(numbers(35));
    await appendFile(site.path("out", "all.json"), '{"id":100}\n');
    expect(await site.run({ checkpoint: null })).toMatchObject(conflict);
    expect(await site.ids()).toEqual([...numbers(35), 100]);
  });

  test("does not replace the rows of a run on a checkpoint", async () => {
    const site = await Site.of("append");
    await site.run({ epochs: 2 });
    expect(await site.run({ checkpoint: null })).toMatchObject(conflict);
    expect(await site.run()).toMatchObject(succeeded);
    expect(await site.ids()).toEqual(numbers(40));
  });
});

test("parts without a checkpoint do not replace those of a run on one", async () => {
  const site = await Site.of("parts");
  await site.run({ epochs: 2 });
  expect(await site.run({ checkpoint: null })).toMatchObject(conflict);
  expect(await site.run()).toMatchObject(succeeded);
  expect(await site.ids()).toEqual(numbers(40));
});
