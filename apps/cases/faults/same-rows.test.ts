import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { registry } from "@sferic/catalog";
import { planPipeline, runPipeline } from "@sferic/engine";
import { expect, onTestFinished, test } from "vitest";

/** More rows than one thread takes at once. */
const rows = 300_000;
const columns = { n: "index", k: "index % 3", h: "hash(index) % 1000" };
const source = { numbers: { type: "generate", rows, columns } };

async function answer(transforms: object, from: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "sferic-rows-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const sinks = { out: { type: "files", from, url: "./out/", format: { type: "json" } } };
  const result = await runPipeline(
    { name: "rows", sources: source, transforms, sinks },
    { registry, baseDirectory: folder },
  );
  expect(result).toMatchObject({ state: "succeeded" });
  const name = (await readdir(join(folder, "out"))).find((file) => !file.startsWith("."))!;
  return readFile(join(folder, "out", name), "utf8");
}

const measures = {
  first: "first(n)",
  last: "last(n)",
  list: "hash(list(n))::VARCHAR",
  text: "hash(string_agg(n::VARCHAR, ','))::VARCHAR",
  least: "arg_min(n, 1)",
  most: "arg_max(n, k)",
  quantile: "approx_quantile(h, 0.37)",
};

test("aggregates that depend on order take the rows as they come", async () => {
  const found = await answer({ a: { type: "aggregate", from: "numbers", groupBy: ["k"], measures } }, "a");
  const groups = found
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(groups).toMatchObject([
    { k: 0, first: 0, last: rows - 3, least: 0, most: 0 },
    { k: 1, first: 1, last: rows - 2, least: 1, most: 1 },
    { k: 2, first: 2, last: rows - 1, least: 2, most: 2 },
  ]);
  for (let run = 0; run < 3; run++) {
    expect(await answer({ a: { type: "aggregate", from: "numbers", groupBy: ["k"], measures } }, "a")).toBe(found);
  }
});

test("the order reaches what depends on it through a query that has none of its own", async () => {
  const query = "SELECT a.n, b.h FROM t a JOIN t b ON a.n = b.n WHERE a.k < 2";
  const chain = {
    joined: { type: "sql", from: { t: "numbers" }, query },
    kept: { type: "filter", from: "joined", where: "h > 10" },
    a: { type: "aggregate", from: "kept", groupBy: ["h"], measures: { first: "first(n)", last: "last(n)" } },
  };
  const found = await answer(chain, "a");
  for (let run = 0; run < 3; run++) expect(await answer(chain, "a")).toBe(found);
});

test.each([
  ["SELECT * FROM t USING SAMPLE 10 ROWS", "a sample depends on chance"],
  ["SELECT reservoir_quantile(n, 0.5) AS q FROM t", "chance"],
])("%s is refused when it is checked", async (query, message) => {
  const spec = {
    name: "sample",
    sources: source,
    transforms: { s: { type: "sql", from: { t: "numbers" }, query } },
    sinks: { out: { type: "console", from: "s" } },
  };
  const { issues } = await planPipeline(spec, { registry });
  expect(issues).toMatchObject([{ code: "invalid-query", message: expect.stringContaining(message) }]);
});
