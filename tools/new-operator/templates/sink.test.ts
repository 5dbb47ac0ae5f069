import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { batches } from "@sferic/bindings/batch";
import { type Batch, column, type OperatorContext, schema } from "@sferic/operator";
import { afterEach, beforeEach, expect, test } from "vitest";
import { templateName } from "./sink.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sferic-sink-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const epoch = { id: 0, timeMs: 0, seed: 0, signal: new AbortController().signal };

function create() {
  const context = { pipeline: "p", operatorId: "s", resolvePath: (path: string) => join(folder, path) };
  return templateName.create({ path: "rows.jsonl" }, context as OperatorContext);
}

async function* rows(...values: number[]): AsyncGenerator<Batch> {
  const of = schema([column("n", "int32")]);
  if (values.length > 0)
    yield batches.fromRows(
      of,
      values.map((n) => ({ n })),
    );
}

test("nothing is seen before publish, and publish twice is once", async () => {
  const sink = create();
  const staged = await sink.stage(rows(1, 2), epoch, {});
  await expect(readFile(join(folder, "rows.jsonl"))).rejects.toThrow("ENOENT");
  await sink.publish(staged!, epoch);
  await sink.publish(staged!, epoch);
  expect(await readFile(join(folder, "rows.jsonl"), "utf8")).toBe('{"n":1}\n{"n":2}\n');
});

test("no rows leave nothing", async () => {
  expect(await create().stage(rows(), epoch, {})).toBeNull();
});
