import { execFileSync } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { granules, lightningIn, strayNames, undisturbedRows, visibleRows } from "../kill/lightning.ts";
import { type Ending, runChild } from "../kill/run-child.ts";

/** Nothing is forbidden to root, so it lets the user "nobody" run the pipeline. */
const nobody = process.getuid?.() === 0 ? 65_534 : undefined;

let undisturbed: Awaited<ReturnType<typeof visibleRows>>;
let folder: string;
let spec: string;

beforeAll(async () => {
  undisturbed = await undisturbedRows();
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sferic-permissions-"));
  await cp(granules, join(folder, "input"), { recursive: true });
  spec = await lightningIn(folder, { granules: join(folder, "input"), checkpoint: join(folder, "records") });
  for (const name of ["out", "records"]) await mkdir(join(folder, name));
  if (nobody !== undefined) execFileSync("chown", ["-R", String(nobody), folder]);
});

afterEach(async () => {
  execFileSync("chmod", ["-R", "u+rwX", folder]);
  await rm(folder, { recursive: true, force: true });
});

function run(...crash: string[]): Promise<Ending> {
  return runChild([spec, ...crash], { uid: nobody });
}

const granule = (name: string): boolean => name.endsWith(".nc");

/** What is denied once two epochs are there. */
const later: [what: string, path: string, mode: number][] = [
  ["the output folder is not writable", "out", 0o555],
  ["the folder of a sink is not writable", "out/csv", 0o555],
  ["the database is not writable", "out/lightning.duckdb", 0o444],
  ["the folder of the lock is not writable", "records/LOCK", 0o555],
  ["the folder of one kind of record is not writable", "records/prepared", 0o555],
  ["a record may not be read", "records/offsets/0000000000.json", 0],
  ["an input file may not be read", "input/", 0],
  ["the input folder may not be read", "input", 0],
];

test.each(later)("%s: the run says so and where, and goes on when it is", async (_, path, mode) => {
  expect(await run("1", "committed")).toMatchObject({ killed: true });
  const file = path.endsWith("/") ? (await readdir(join(folder, path))).findLast(granule)! : "";
  await expectDenied(join(folder, path, file), mode);
});

test.each([
  ["the output folder", "out"],
  ["the checkpoint folder", "records"],
])("%s is not writable for the first run, which says so", async (_, path) => {
  await expectDenied(join(folder, path), 0o555);
});

/** Takes a permission away, runs, gives it back, runs, and expects what an undisturbed run leaves. */
async function expectDenied(place: string, mode: number): Promise<void> {
  await chmod(place, mode);
  const failed = await run();
  await chmod(place, 0o755);
  expect(failed.result, failed.stderr).toMatchObject({
    state: "failed",
    error: { code: "permission-denied", message: expect.stringContaining(place) },
  });
  expect(await run()).toMatchObject({ code: 0, stderr: "" });
  expect(await visibleRows(folder)).toEqual(undisturbed);
  expect(await strayNames(folder)).toEqual([]);
}
