import { mkdtemp, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sferic } from "./testing/sferic.ts";
import { flashesSpec, specFile } from "./testing/specs.ts";

function json(text: string): Record<string, unknown> {
  expect(text.trimEnd()).not.toContain("\n");
  return JSON.parse(text) as Record<string, unknown>;
}

/** The spec with one operator changed. */
function changed(section: "sources" | "transforms" | "sinks", id: string, fields: object): object {
  const operators = flashesSpec[section] as Record<string, object>;
  return { ...flashesSpec, [section]: { ...operators, [id]: { ...operators[id], ...fields } } };
}

test("help and version are data, and done", async () => {
  await expect(sferic("--version")).resolves.toEqual({ code: 0, out: "0.1.0\n", err: "" });
  for (const args of [[], ["--help"], ["help"]]) {
    const { code, out } = await sferic(...args);
    expect(code).toBe(0);
    for (const name of [
      "demo",
      "check",
      "explain",
      "preview",
      "run",
      "operators",
      "formats",
      "schema",
      "checkpoint",
      "dlq",
      "doctor",
    ]) {
      expect(out).toMatch(new RegExp(`^  ${name} `, "m"));
    }
  }
  const { code, out } = await sferic("run", "--help");
  expect(code).toBe(0);
  expect(out).toContain("--max-epochs");
});

test.each([
  [["rnu"], "Did you mean run?"],
  [["run"], "missing required argument 'spec'"],
  [["run", "a.json", "b.json"], "too many arguments"],
  [["run", "a.json", "--max-epoch", "1"], "Did you mean --max-epochs?"],
  [["run", "a.json", "--max-epochs", "none"], "whole number from 1"],
  [["run", "a.json", "--param", "hour"], "name=value"],
  [["run", "a.json", "--engine", "flink"], "local, spark"],
  [["run", "a.json", "--engine", "spark"], "not available yet"],
  [["run", "a.json", "--trigger", "sometimes"], "--trigger takes"],
  [["run", ""], "may not be empty"],
  [["run", "a.json", "--checkpoint", ""], "may not be empty"],
  [["schema", "--out", ""], "may not be empty"],
  [["demo", "--out", ""], "may not be empty"],
  [["demo", "--out", "/proc/no-such-folder"], "/proc/no-such-folder"],
  [["run", "no-such.json"], "There is no file no-such.json"],
  [["check", "."], "is a folder"],
  [["check", "a.json", "--level", "deep"], "static, connect, sample"],
  [["preview", "a.json"], "missing required argument 'operator'"],
  [["operators", "kmean"], 'did you mean "kmeans"?'],
  [["operators", "glm"], "sferic formats glm"],
  [["formats", "kmeans"], "sferic operators kmeans"],
  [["checkpoint", "shwo", "check"], "Did you mean show?"],
  [["checkpoint", "verify"], "missing required argument 'folder'"],
  [["checkpoint", "show", ""], "may not be empty"],
  [["dlq", "list", "no-such"], "There are no dead letters in"],
])("%j is a mistake in the call", async (args, message) => {
  const { code, out, err } = await sferic(...args);
  expect(err).toContain(message);
  expect([code, out]).toEqual([2, ""]);
});

test("with --json an error is an object on standard output too", async () => {
  const { code, out } = await sferic("run", "no-such.json", "--json");
  expect(code).toBe(2);
  expect(json(out)).toMatchObject({ error: { code: "spec-not-found" } });
});

test("check says every mistake with its place", async () => {
  const path = await specFile(changed("transforms", "strong", { wher: "1", from: "flashs" }));
  const { code, out, err } = await sferic("check", path);
  expect([code, err]).toEqual([2, ""]);
  expect(out).toMatch(/error\[unknown-field\].*"wher"/);
  expect(out).toContain(`--> ${path}:`);
  expect(out).toMatch(/\n2 errors\n$/);
  const { issues } = json((await sferic("check", path, "--json")).out) as { issues: { pointer: string }[] };
  expect(issues.map(({ pointer }) => pointer).toSorted()).toEqual([
    "/transforms/strong/from",
    "/transforms/strong/wher",
  ]);
});

test("check finds a wrong column before anything is read", async () => {
  const path = await specFile(changed("transforms", "strong", { where: "flash_enrgy > 1" }));
  const { code, out } = await sferic("check", path);
  expect(code).toBe(2);
  expect(out).toContain('did you mean "flash_energy"?');
});

test("check --fix rewrites the spec, and keeps what it cannot put right", async () => {
  const path = await specFile(changed("transforms", "strong", { from: "flashs" }));
  await expect(sferic("check", "--fix", path)).resolves.toMatchObject({ code: 0, err: "Fixed 1 issue.\n" });
  expect(JSON.parse(await readFile(path, "utf8"))).toEqual(flashesSpec);
  await writeFile(path, '{ "name": "x", }');
  await expect(sferic("check", "--fix", path)).resolves.toMatchObject({ code: 2 });
  expect(await readFile(path, "utf8")).toBe('{ "name": "x" }');
});

test("check --level sample reads rows; where none come, it warns", async () => {
  await expect(sferic("check", "--level", "sample", await specFile(flashesSpec))).resolves.toMatchObject({ code: 0 });
  const path = await specFile(changed("transforms", "strong", { where: "flash_energy > ${param:energy} + 1e9" }));
  const { code, out } = await sferic("check", "--level", "sample", path, "--json");
  expect(code).toBe(0);
  expect(json(out)).toMatchObject({
    issues: [{ code: "no-rows", severity: "warning", pointer: "/transforms/strong" }],
  });
});

test("check --level sample does not ask for rows that went wrong", async () => {
  const path = await specFile(changed("sinks", "csv", { from: "flashes.invalid" }));
  const { code, out } = await sferic("check", "--level", "sample", path);
  expect([code, out]).toEqual([0, expect.not.stringContaining("no-rows")]);
});

test("explain shows graph, units and guarantees, and touches nothing", async () => {
  const path = await specFile(flashesSpec);
  const { code, out } = await sferic("explain", path);
  expect(code).toBe(0);
  expect(out).toMatch(/flashes {2}source files\n {2}└──▶ strong {2}transform filter\n {2} {5}└──▶ csv {2}sink files/);
  expect(out).toMatch(/flash_energy +float64 +nullable +J\n/);
  expect(out).toContain("flashes ─▶ strong ─▶ csv\n    exactly-once: ");
  expect(out).toMatch(/bounds of flashes +1 file an epoch/);
  await expect(stat(join(path, "../out"))).rejects.toThrow("ENOENT");
  expect(json((await sferic("explain", path, "--json")).out)).toMatchObject({ pipeline: "flashes", edges: [{}, {}] });
});

test("preview shows rows of one operator", async () => {
  const path = await specFile(flashesSpec);
  const { code, out } = await sferic("preview", path, "csv", "--rows", "2", "--json");
  expect(code).toBe(0);
  const { operator, rows, complete } = json(out) as {
    operator: string;
    rows: { flash_energy: number }[];
    complete: boolean;
  };
  expect([operator, rows.length, complete]).toEqual(["strong", 2, false]);
  expect(rows.every(({ flash_energy }) => flash_energy > 1e-13)).toBe(true);
  expect((await sferic("preview", path, "strong", "--rows", "2")).out).toMatch(/\n2 rows in .*not read\.\n$/);
});

test("run publishes, tells what it did, and has nothing to do the next time", async () => {
  const path = await specFile(flashesSpec);
  const first = await sferic("run", path, "--json", "--param", "energy=2e-13");
  expect(first.code).toBe(0);
  const result = json(first.out) as { operators: Record<string, { files: string[] }>; rows: { written: number } };
  expect(result).toMatchObject({ pipeline: "flashes", state: "succeeded", epochs: 7, issues: [] });
  const files = await Promise.all(result.operators["csv"]!.files.map((file) => readFile(file, "utf8")));
  const lines = files.reduce((count, text) => count + text.trimEnd().split("\n").length - 1, 0);
  expect(lines).toBe(result.rows.written);
  const second = await sferic("run", path, "--param", "energy=2e-13");
  expect(second).toMatchObject({ code: 0, out: "", err: expect.stringContaining("nothing was new") });
});

test("run stops after --max-epochs, into the --checkpoint of the command line", async () => {
  const path = await specFile(flashesSpec);
  const { code, out } = await sferic(
    "run",
    path,
    "--json",
    "--max-epochs",
    "2",
    "--checkpoint",
    join(path, "../other"),
  );
  expect([code, json(out)["epochs"]]).toEqual([0, 2]);
  await expect(stat(join(path, "../other/pipeline.json"))).resolves.toBeDefined();
});

test("run says every mistake of the spec, on the error stream or as JSON", async () => {
  const path = await specFile(changed("sinks", "csv", { from: "stron" }));
  const { code, out, err } = await sferic("run", path);
  expect([code, out]).toEqual([2, ""]);
  expect(err).toContain('did you mean "strong"?');
  const asJson = await sferic("run", path, "--json");
  expect(asJson).toMatchObject({ code: 2, err: "" });
  expect(json(asJson.out)).toMatchObject({ issues: [{ code: "unknown-id", hint: "strong" }] });
});

test("a broken checkpoint, and one of another pipeline", async () => {
  const path = await specFile(flashesSpec);
  await sferic("run", path, "--max-epochs", "2");
  await writeFile(path, JSON.stringify({ ...flashesSpec, name: "other" }));
  const mismatch = await sferic("run", path);
  expect([mismatch.code, mismatch.err]).toEqual([3, expect.stringContaining('belongs to the pipeline "flashes"')]);
  await writeFile(path, JSON.stringify(flashesSpec));
  await writeFile(join(path, "../check/offsets/0000000000.json"), "{");
  const corrupt = await sferic("run", path, "--json");
  expect(corrupt.code).toBe(3);
  expect(json(corrupt.out)).toMatchObject({ state: "failed", error: { code: "checkpoint-corrupt" } });
});

test("the catalogue, as text and as data", async () => {
  const { out } = await sferic("operators");
  expect(out).toMatch(/^kmeans +transform +Label/m);
  const one = await sferic("operators", "kmeans");
  expect(one.out).toMatch(/clusterCount +integer +required/);
  expect(one.out).toMatch(/centroids +One row per cluster/);
  expect(one.out).toContain("cluster-count-exceeds-rows");
  const both = json((await sferic("operators", "files", "--json")).out) as {
    operators: { kind: string; fields: object }[];
  };
  expect(both.operators.map(({ kind }) => kind)).toEqual(["source", "sink"]);
  expect(both.operators[0]!.fields).toMatchObject({ required: ["url", "format"] });
  expect(json((await sferic("formats", "--json")).out)).toMatchObject({
    formats: expect.arrayContaining([expect.objectContaining({ type: "glm" })]),
  });
});

test("the JSON Schema goes to standard output or into a file", async () => {
  const path = join(await specFile("{}"), "../schema/v1.json");
  const { code, out } = await sferic("schema", "--out", path);
  expect([code, out]).toEqual([0, ""]);
  expect(JSON.parse(await readFile(path, "utf8"))).toEqual(json((await sferic("schema", "--json")).out));
});

test("the demo runs from the beginning each time, and its advice works as it stands", async () => {
  const out = await mkdtemp(join(tmpdir(), "sferic-demo-"));
  for (let time = 0; time < 2; time++) {
    const demo = await sferic("demo", "--out", out, "--json");
    expect(demo).toMatchObject({ code: 0, err: "" });
    expect(json(demo.out)).toMatchObject({
      directory: out,
      flashes: 1303,
      clusters: 12,
      runs: [
        { pipeline: "lightning-stream", state: "succeeded" },
        { pipeline: "lightning-clusters", state: "succeeded" },
      ],
    });
  }
  const { out: told } = await sferic("demo", "--out", out);
  for (const [, line] of told.matchAll(/^ {2}npx sferic (.*)$/gm)) {
    await expect(sferic(...line!.split(" ")), line).resolves.toMatchObject({ code: 0 });
  }
});

test("doctor finds this machine fit", async () => {
  const { code, out } = await sferic("doctor", "--json");
  expect(code).toBe(0);
  const { ok, findings } = json(out) as { ok: boolean; findings: { name: string; status: string }[] };
  expect(ok).toBe(true);
  expect(findings.find(({ name }) => name === "native core")).toMatchObject({ status: "ok" });
});
