import { cp, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { sferic } from "../testing/sferic.ts";
import { flashesSpec, granules, specFile } from "../testing/specs.ts";

let folder: string;
let checkpoint: string;
/** Dead letters of a run without a checkpoint. */
let loose: string;
let run: string;

/** Two sources, each with one granule and files that are none, two files an epoch. */
beforeAll(async () => {
  const source = { ...flashesSpec.sources.flashes, filesPerEpoch: 2 };
  const spec = {
    name: "flashes",
    sources: { east: { ...source, url: "./east/*.nc" }, west: { ...source, url: "./west/*.nc" } },
    sinks: {
      a: { ...flashesSpec.sinks.csv, from: "east" },
      b: { ...flashesSpec.sinks.csv, from: "west", url: "./b/" },
    },
    run: { trigger: "available-now" },
  };
  const path = await specFile(spec);
  folder = dirname(path);
  checkpoint = join(folder, "check");
  loose = join(folder, ".sferic", "dead-letters", "flashes");
  const granule = (await readdir(granules)).find((name) => name.endsWith(".nc"))!;
  for (const [name, bad] of Object.entries({ east: ["p.nc", "q.nc", "r.nc"], west: ["s\u001b[2J.nc"] })) {
    await mkdir(join(folder, name));
    await cp(join(granules, granule), join(folder, name, granule));
    for (const file of bad) await writeFile(join(folder, name, file), "not a granule");
  }
  expect((await sferic("run", path, "--checkpoint", checkpoint)).code).toBe(0);
  // The outputs of a checkpoint are no other run's.
  for (const output of ["out", "b"]) await rm(join(folder, output), { recursive: true });
  expect((await sferic("run", path)).code).toBe(0);
  run = (await readdir(loose))[0]!;
});

test("list counts per epoch and source", async () => {
  const { code, out, err } = await sferic("dlq", "list", checkpoint);
  expect([code, err]).toEqual([0, ""]);
  expect(out).toMatch(
    /^epoch {2}source {2}letters {2}file\n +0 {2}east +1 {2}.*0000000000\.jsonl\n +0 {2}west +1 {2}.*0000000000\.jsonl\n +1 {2}east +2 {2}.*0000000001\.jsonl\n$/,
  );
  const { deadLetters } = JSON.parse((await sferic("dlq", "list", checkpoint, "--json")).out) as {
    deadLetters: object;
  };
  const path = (epoch: number): string => join(checkpoint, "dead-letters", `000000000${epoch}.jsonl`);
  expect(deadLetters).toEqual([
    { run: null, epoch: 0, source: "east", count: 1, path: path(0) },
    { run: null, epoch: 0, source: "west", count: 1, path: path(0) },
    { run: null, epoch: 1, source: "east", count: 2, path: path(1) },
  ]);
});

test.each([
  [[], ["0 east p.nc", "0 west s\u001b[2J.nc", "1 east q.nc", "1 east r.nc"]],
  [["--source", "west"], ["0 west s\u001b[2J.nc"]],
  [["--source", "north"], []],
])("show %j", async (args, expected) => {
  const { code, out } = await sferic("dlq", "show", checkpoint, "--json", ...args);
  expect(code).toBe(0);
  const { deadLetters } = JSON.parse(out) as {
    deadLetters: { epoch: number; source: string; name: string; reason: string; position: null }[];
  };
  expect(deadLetters.map(({ epoch, source, name }) => `${epoch} ${source} ${name}`)).toEqual(expected);
  for (const { reason, position } of deadLetters) {
    expect(reason).toContain("not an HDF5 file");
    expect(position).toBeNull();
  }
});

test("show as text: a line each, and nothing that could move the cursor", async () => {
  const { code, out } = await sferic("dlq", "show", checkpoint);
  expect(code).toBe(0);
  expect(out).toMatch(/^epoch {2}source {2}name +position {2}reason\n +0 {2}east +p\.nc +this is not an HDF5 file/);
  expect(out).toContain(String.raw`s\u001b[2J.nc`);
  expect(out).not.toContain("\u001b");
  expect(out).toMatch(/\n\n4 dead letters\n$/);
  expect((await sferic("dlq", "show", checkpoint, "--source", "north")).out).toBe("There are no dead letters.\n");
});

test("runs without a checkpoint: with the run, from all or from one", async () => {
  const { out } = await sferic("dlq", "list", loose);
  expect(out).toMatch(/^run +epoch {2}source {2}letters {2}file\n/);
  expect(out.split("\n").filter((line) => line.startsWith(run))).toHaveLength(3);
  expect((await sferic("dlq", "show", loose, "--source", "west")).out).toMatch(/^run +epoch +source +name /);
  expect((await sferic("dlq", "show", join(loose, run))).out).toMatch(/^epoch +source +name /);
});

test("a position is shown where it is known", async () => {
  const letter = { epoch: 0, source: "clicks", name: "a.json", reason: "no JSON", position: 12_345 };
  const other = join(folder, "other");
  await mkdir(other);
  await writeFile(join(other, "0000000000.jsonl"), `${JSON.stringify(letter)}\n`);
  expect((await sferic("dlq", "show", other)).out).toMatch(/0 {2}clicks {2}a\.json +12,345 {2}no JSON\n/);
});

test("a file that is not what was written is told with its line", async () => {
  const other = join(folder, "damaged");
  await mkdir(other);
  await writeFile(join(other, "0000000000.jsonl"), "{\n");
  const { code, out, err } = await sferic("dlq", "list", other);
  expect([code, out]).toEqual([3, ""]);
  expect(err).toMatch(/^error\[dead-letters-corrupt\]: .*0000000000\.jsonl: line 1 /);
});
