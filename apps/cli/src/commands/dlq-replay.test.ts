import { copyFile, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { sferic } from "../testing/sferic.ts";
import { flashesSpec, granules, specFile } from "../testing/specs.ts";

let spec: string;
let input: string;
let names: string[];

/** Three granules, of which two are cut short. */
beforeEach(async () => {
  const source = { ...flashesSpec.sources.flashes, url: "./in/**/*.nc", filesPerEpoch: 2 };
  const db = { type: "duckdb", from: "strong", path: "./out.duckdb", table: "flashes" };
  spec = await specFile({ ...flashesSpec, sources: { flashes: source }, sinks: { ...flashesSpec.sinks, db } });
  input = join(dirname(spec), "in");
  await mkdir(input);
  names = (await readdir(granules)).filter((name) => name.endsWith(".nc")).slice(0, 3);
  for (const name of names) await writeFile(join(input, name), "not a granule");
  await copyFile(join(granules, names[1]!), join(input, names[1]!));
  await sferic("run", spec);
});

async function rowsOf(...args: string[]): Promise<unknown> {
  return (JSON.parse((await sferic("run", spec, "--json", ...args)).out) as { rows: { written: number } }).rows.written;
}

async function outputRows(): Promise<Record<string, number>> {
  const { out } = await sferic("checkpoint", "show", join(dirname(spec), "check"), "--json");
  const { outputs } = JSON.parse(out) as { outputs: Record<string, { rows: number }> };
  return Object.fromEntries(Object.entries(outputs).map(([id, { rows }]) => [id, rows]));
}

test("corrected files become rows, once, as if they had been right from the start", async () => {
  await copyFile(join(granules, names[0]!), join(input, names[0]!));
  const { code, out, err } = await sferic("dlq", "replay", spec);
  expect(code, err).toBe(0);
  expect(out).toBe("2 dead letters replayed, of which 1 could still not be read.\n");
  await copyFile(join(granules, names[2]!), join(input, names[2]!));
  const again = JSON.parse((await sferic("dlq", "replay", spec, "--json")).out) as object;
  expect(again).toMatchObject({ epochs: 1, replayed: [{ name: names[2] }], failedAgain: [], left: [] });
  expect((await sferic("dlq", "replay", spec)).out).toBe("There are no dead letters to replay.\n");
  expect((await sferic("dlq", "list", join(dirname(spec), "check"))).out).toBe("There are no dead letters.\n");
  expect(await rowsOf()).toBe(0);
  const replayed = await outputRows();
  await rm(join(dirname(spec), "out"), { recursive: true });
  await rm(join(dirname(spec), "out.duckdb"));
  await sferic("run", spec, "--checkpoint", join(dirname(spec), "other"));
  expect(await rowsOf("--checkpoint", join(dirname(spec), "other"))).toBe(0);
  expect(replayed["csv"]).toBe(replayed["db"]);
  const { out: fresh } = await sferic("checkpoint", "show", join(dirname(spec), "other"), "--json");
  expect((JSON.parse(fresh) as { outputs: object }).outputs).toMatchObject({ csv: { rows: replayed["csv"] } });
});

test("a file that is gone, or of whose name the epoch had two, is left with the reason", async () => {
  await rm(join(input, names[0]!));
  await mkdir(join(input, "z"));
  await writeFile(join(input, "z", "same.nc"), "not a granule");
  await mkdir(join(input, "zz"));
  await writeFile(join(input, "zz", "same.nc"), "not a granule");
  await sferic("run", spec);
  const { code, out } = await sferic("dlq", "replay", spec);
  expect(code).toBe(0);
  expect(out).toContain(`Left: flashes: ${names[0]}: the file is no longer there`);
  expect(out).toContain("Left: flashes: same.nc: 2 files of that epoch have this name");
});

test("a letter about one row stays: the other rows of its file are in the outputs", async () => {
  const format = { type: "json", schema: { n: "int32" } };
  const path = await specFile({
    name: "rows",
    sources: { rows: { type: "files", url: "./in/*.json", format } },
    sinks: { csv: { type: "files", from: "rows", url: "./out/", format: { type: "csv" } } },
    run: { checkpoint: "./check" },
  });
  await mkdir(join(dirname(path), "in"));
  const lines = join(dirname(path), "in", "a.json");
  await writeFile(lines, '{"n":1}\n{"n":\n{"n":3}\n');
  await writeFile(join(dirname(path), "in", "b.json"), '{"n":4}\n');
  expect((await sferic("run", path)).code).toBe(0);
  await writeFile(lines, '{"n":1}\n{"n":2}\n{"n":3}\n');
  const { out } = await sferic("dlq", "replay", path, "--json");
  expect(JSON.parse(out)).toMatchObject({
    epochs: 0,
    left: [
      {
        letter: { name: "a.json", position: 2, isPart: true },
        reason: "other rows of it went on, and would be doubled",
      },
    ],
  });
});

test("bad rows go to whoever reads the port instead, and then there are no letters", async () => {
  const path = await specFile({
    name: "rows",
    sources: { rows: { type: "files", url: "./in/*.json", format: { type: "json", schema: { n: "int32" } } } },
    sinks: {
      good: { type: "files", from: "rows", url: "./out/", format: { type: "csv" } },
      bad: { type: "console", from: "rows.invalid", format: { type: "json" } },
    },
    run: { checkpoint: "./check" },
  });
  await mkdir(join(dirname(path), "in"));
  await writeFile(join(dirname(path), "in", "a.json"), '{"n":1}\n{"n":\n');
  expect(JSON.parse((await sferic("run", path, "--json")).out)).toMatchObject({ rows: { read: 1, invalid: 1 } });
  expect((await sferic("dlq", "replay", path)).out).toBe("There are no dead letters to replay.\n");
});

test("a spec without a checkpoint has nothing to replay into", async () => {
  const { run: _, ...loose } = flashesSpec;
  const { code, err } = await sferic("dlq", "replay", await specFile(loose));
  expect(code).toBe(2);
  expect(err).toContain("error[replay-without-checkpoint]");
});
