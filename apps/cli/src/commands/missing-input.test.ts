import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { registry } from "@sferic/catalog";
import { followPipeline, type RunEvent } from "@sferic/engine";
import { expect, test } from "vitest";
import { sferic } from "../testing/sferic.ts";
import { specFile } from "../testing/specs.ts";

const csv = { type: "csv", schema: { id: "int64" } };
const sources = {
  "a file": { type: "files", url: "./ordres.csv", format: csv },
  "a folder": { type: "files", url: "./ordres/", format: { type: "csv" } },
  "the folder of a pattern": { type: "files", url: "./ordres/*/*.csv", format: csv },
  "a database": { type: "duckdb", path: "./ordres", table: "t" },
  "a Delta table": { type: "delta", url: "./ordres" },
};

function specWith(source: object, run: object = {}): { readonly name: string } {
  const sinks = { out: { type: "files", from: "rows", url: "./out/", format: { type: "json" } } };
  return { name: "missing", sources: { rows: source }, sinks, run } as { readonly name: string };
}

const commands = [["run"], ["check", "--level", "connect"], ["explain"], ["preview", "rows"]] as const;

test.each(Object.entries(sources))("%s that is not there keeps a run from starting", async (_, source) => {
  const spec = await specFile(specWith(source));
  const place = join(dirname(spec), "ordres");
  for (const [command, ...args] of commands) {
    const { code, out, err } = await sferic(command, ...(command === "check" ? [...args, spec] : [spec, ...args]));
    expect([command, code, out + err]).toEqual([command, 2, expect.stringContaining("error[missing-input]")]);
    expect(out + err).toContain(place);
  }
  expect(await sferic("check", "--level", "static", spec)).toMatchObject({ code: 0 });
  const reference = { ...source, role: "reference" };
  const sinks = { out: { type: "console", from: "orders" } };
  const generated = { type: "generate", rows: 1, columns: { id: "index" } };
  const both = { name: "m", sources: { orders: generated, rows: reference }, sinks };
  expect(await sferic("run", await specFile(both), "--json")).toMatchObject({
    code: 2,
    out: expect.stringContaining('"missing-input"'),
  });
});

test("a pattern that nothing matches is a warning that names the path", async () => {
  const spec = await specFile(specWith({ type: "files", url: "./in/*.csv", format: csv }));
  await mkdir(join(dirname(spec), "in"));
  for (const [command, ...args] of commands) {
    const { code, out, err } = await sferic(command, ...(command === "check" ? [...args, spec] : [spec, ...args]));
    expect([command, code]).toEqual([command, 0]);
    expect(out + err).toContain(`no file matches ${join(dirname(spec), "in/*.csv")}`);
  }
  const { result } = JSON.parse(`{"result":${(await sferic("run", spec, "--json")).out}}`) as { result: object };
  expect(result).toMatchObject({ issues: [{ code: "no-files", severity: "warning" }] });
  await writeFile(join(dirname(spec), "in/a.csv"), "id\n1\n");
  expect((await sferic("check", "--level", "connect", spec)).out).toContain("no issues");
});

test.each<[string, object, object, number]>([
  ["an interval trigger", {}, { trigger: { everyMs: 20 } }, 1],
  ["a run that is told to", { onMissingInput: "wait" }, { trigger: "available-now" }, 1],
])("%s waits for its input, says so once, and reads it", async (_, more, trigger, rows) => {
  const source = { type: "files", url: "./late/*.csv", format: csv, ...more };
  const file = await specFile(specWith(source, { ...trigger, checkpoint: "./check" }));
  const drain = new AbortController();
  const spec = JSON.stringify(specWith(source, { ...trigger, checkpoint: "./check" }));
  const run = followPipeline(spec, { registry, baseDirectory: dirname(file), drain: drain.signal });
  const warnings: RunEvent[] = [];
  for await (const event of run) {
    if (event.type === "warning") {
      warnings.push(event);
      await mkdir(join(dirname(file), "later"));
      await writeFile(join(dirname(file), "later/a.csv"), "id\n1\n");
      await rename(join(dirname(file), "later"), join(dirname(file), "late"));
    }
    if (event.type === "point" && event.point === "committed") drain.abort();
  }
  expect(warnings).toMatchObject([{ code: "missing-input", operatorId: "rows" }]);
  expect(await run.result).toMatchObject({ rows: { written: rows }, issues: [{ code: "missing-input" }] });
});

test("an interval trigger that is told to stop does not wait", async () => {
  const source = { ...sources["a database"], onMissingInput: "stop" };
  const spec = await specFile(specWith(source, { trigger: { everyMs: 1000 } }));
  expect(await sferic("run", spec)).toMatchObject({ code: 2, err: expect.stringContaining("missing-input") });
});

test("no epoch runs while a source that is read whole in each is missing", async () => {
  const orders = { type: "generate", rows: 4, rowsPerEpoch: 2, columns: { id: "index" } };
  const names = { ...sources["a file"], role: "reference" };
  const spec = {
    name: "missing",
    sources: { orders, names },
    transforms: { named: { type: "join", from: { left: "orders", right: "names" }, on: ["id"], kind: "inner" } },
    sinks: { out: { type: "files", from: "named", url: "./out/", format: { type: "json" } } },
    run: { trigger: { everyMs: 20 }, checkpoint: "./check" },
  };
  const folder = dirname(await specFile(spec));
  const drain = new AbortController();
  const run = followPipeline(spec, { registry, baseDirectory: folder, drain: drain.signal });
  let idle = 0;
  let epochs = 0;
  for await (const event of run) {
    if (event.type === "idle" && ++idle === 2)
      await writeFile(join(folder, "new.csv"), "id\n0\n1\n2\n3\n").then(() =>
        rename(join(folder, "new.csv"), join(folder, "ordres.csv")),
      );
    if (event.type === "point" && event.point === "committed" && ++epochs === 2) drain.abort();
  }
  expect(await run.result).toMatchObject({ rows: { read: expect.any(Number), written: 4 } });
});
