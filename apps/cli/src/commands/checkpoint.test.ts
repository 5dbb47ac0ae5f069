import { appendFile, mkdir, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join, relative } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { sferic } from "../testing/sferic.ts";
import { flashesSpec, granules, specFile } from "../testing/specs.ts";

let spec: string;
let checkpoint: string;

beforeEach(async () => {
  spec = await specFile(flashesSpec);
  checkpoint = join(dirname(spec), "check");
  await sferic("run", spec, "--max-epochs", "3");
});

/** The checkpoint as this process may name it. */
const shown = (path: string): string => {
  const near = relative(process.cwd(), path);
  return near.startsWith("..") ? path : near;
};

const record = (folder: string, epoch: number): string => join(checkpoint, folder, `000000000${epoch}.json`);

async function tear(path: string): Promise<void> {
  await truncate(path, (await readFile(path)).length - 3);
}

/** A claim as a run of another machine would have left it, or hold it. */
async function lockByAnotherHost(): Promise<void> {
  const holder = { pid: 12, host: "elsewhere", started: "2026-01-02T03:04:05.000Z", processStart: null };
  await mkdir(join(checkpoint, "LOCK"), { recursive: true });
  await writeFile(join(checkpoint, "LOCK", "0000000009"), JSON.stringify({ ...holder, fencingEpoch: 9 }));
}

test("show: whose it is, how far it got, where sources and sinks stand", async () => {
  const { code, out, err } = await sferic("checkpoint", "show", checkpoint);
  expect([code, err]).toEqual([0, ""]);
  const place = RegExp.escape(shown(checkpoint));
  expect(out).toMatch(
    new RegExp(
      `^flashes
  checkpoint    ${place}
  identity      [0-9a-f-]{36}
  spec          [0-9a-f]{12}
  engine        0\\.1\\.0
  newest epoch  2, planned 20[-\\dT:.]+Z
  unfinished    none
  lock          free
  records       10

Offsets
  source   committed to
  flashes  position 3, 1 file

Outputs
  sink  rows  files  newest
  csv   +\\d+ +3  .*part-0000000002-00000-flashes-csv\\.csv
$`,
    ),
  );
});

test("show --json tells the rows that the runs have told", async () => {
  const other = join(dirname(spec), "other");
  await rm(join(dirname(spec), "out"), { recursive: true });
  const run = JSON.parse((await sferic("run", spec, "--json", "--checkpoint", other)).out) as {
    epochs: number;
    rows: { written: number };
    operators: { csv: { files: string[] } };
  };
  const { code, out } = await sferic("checkpoint", "show", other, "--json");
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    checkpoint: other,
    identity: { pipeline: "flashes" },
    lock: null,
    newest: { epoch: run.epochs - 1 },
    unfinished: null,
    offsets: { flashes: { position: 7 } },
    outputs: { csv: { rows: run.rows.written, files: run.operators.csv.files } },
    records: 1 + 3 * run.epochs,
    findings: [],
  });
});

test("show: the lightning pipeline with its three sinks", async () => {
  const out = join(dirname(spec), "lightning");
  const lightning = join(granules, "../../lightning-stream/pipeline.json");
  expect((await sferic("run", lightning, "--param", `out=${out}`)).code).toBe(0);
  const { outputs } = JSON.parse((await sferic("checkpoint", "show", join(out, ".checkpoint"), "--json")).out) as {
    outputs: Record<string, { rows: number; files: string[] }>;
  };
  const rows = Object.entries(outputs).map(([sink, output]) => [sink, output.rows]);
  expect(Object.fromEntries(rows)).toEqual({ geospatial: 1303, csv: 1303, db: 1303 });
  expect(outputs["db"]!.files).toEqual([`${join(out, "lightning.duckdb")}#flashes`]);
});

test.each([
  ["intent", ["commits", "prepared"], /unfinished +epoch 2, planned: the next run computes it/],
  ["prepared", ["commits"], /unfinished +epoch 2, prepared \(csv [\d,]+ rows staged\): the next run publishes it/],
])("show: an epoch that stopped after its %s record", async (_, without, expected) => {
  for (const folder of without) await rm(record(folder, 2));
  const { code, out } = await sferic("checkpoint", "show", checkpoint);
  expect(code).toBe(0);
  expect(out).toMatch(expected);
  expect(out).toMatch(/source +committed to +unfinished to\n +flashes +position 2, 1 file +position 3, 1 file\n/);
});

test("show: who holds the lock", async () => {
  await lockByAnotherHost();
  const { code, out } = await sferic("checkpoint", "show", checkpoint);
  expect(code).toBe(0);
  expect(out).toContain("held by process 12 on elsewhere, since 2026-01-02T03:04:05.000Z");
  const { lock } = JSON.parse((await sferic("checkpoint", "show", checkpoint, "--json")).out) as { lock: object };
  expect(lock).toMatchObject({ pid: 12, host: "elsewhere" });
});

test("verify: a sound checkpoint", async () => {
  await expect(sferic("checkpoint", "verify", checkpoint)).resolves.toEqual({
    code: 0,
    out: `${shown(checkpoint)}: 10 records, nothing is wrong\n`,
    err: "",
  });
});

test.each<[what: string, damage: () => Promise<void>, code: number, problem: string, file: () => string]>([
  ["the newest record torn", () => tear(record("commits", 2)), 0, "torn", () => record("commits", 2)],
  ["an older record torn", () => tear(record("prepared", 1)), 3, "corrupt", () => record("prepared", 1)],
  ["a record with more in it", () => appendFile(record("offsets", 0), " "), 3, "corrupt", () => record("offsets", 0)],
  ["a record missing", () => rm(record("offsets", 1)), 3, "gap", () => record("offsets", 1)],
  [
    "the identity missing",
    () => rm(join(checkpoint, "pipeline.json")),
    3,
    "gap",
    () => join(checkpoint, "pipeline.json"),
  ],
  [
    "a record under a later number",
    () => rename(record("offsets", 1), record("offsets", 7)),
    3,
    "gap",
    () => record("offsets", 1),
  ],
])("verify: %s", async (_, damage, code, problem, file) => {
  await damage();
  const { code: ended, out } = await sferic("checkpoint", "verify", checkpoint);
  expect(ended).toBe(code);
  expect(out).toContain(`${code === 0 ? "warning" : "error"}[${problem}]: ${shown(file())}: `);
  expect(out).toMatch(code === 0 ? /The next run sets this record aside and goes on\.\n$/ : /No run starts on this/);
  const asJson = await sferic("checkpoint", "verify", checkpoint, "--json");
  expect(asJson.code).toBe(code);
  expect(JSON.parse(asJson.out)).toMatchObject({
    findings: expect.arrayContaining([expect.objectContaining({ problem, path: file() })]),
  });
  expect((await sferic("checkpoint", "show", checkpoint)).out).toContain(`[${problem}]`);
  // What is told about the next run holds.
  expect((await sferic("run", spec)).code).toBe(code);
});

test.each(["show", "verify", "repair", "reset", "unlock"])("%s of a folder that is no checkpoint", async (command) => {
  const folder = dirname(spec);
  const { code, out, err } = await sferic(
    "checkpoint",
    command,
    folder,
    "--json",
    ...(command === "reset" ? ["--yes"] : []),
  );
  expect(code).toBe(3);
  expect(JSON.parse(out)).toMatchObject({ error: { code: "checkpoint-not-found" } });
  expect(err).toContain(`There is no checkpoint in ${folder}`);
});

test("repair says what it would do, does it with --yes, and the next run goes on", async () => {
  await rm(record("prepared", 1));
  const told = await sferic("checkpoint", "repair", checkpoint);
  expect(told).toMatchObject({ code: 0, err: expect.stringContaining("Add --yes to do it") });
  expect(told.out).toBe(`rebuild    ${shown(record("prepared", 1))}: a later record proves the epoch\n`);
  expect((await sferic("checkpoint", "verify", checkpoint)).code).toBe(3);
  const done = JSON.parse((await sferic("checkpoint", "repair", checkpoint, "--yes", "--json")).out) as object;
  expect(done).toMatchObject({ done: true, actions: [{ does: "rebuild", path: record("prepared", 1) }] });
  expect((await sferic("checkpoint", "repair", checkpoint)).out).toBe(`${shown(checkpoint)}: nothing is wrong\n`);
  expect(JSON.parse((await sferic("run", spec, "--json")).out)).toMatchObject({ state: "succeeded", epochs: 4 });
});

test("repair does nothing when something is beyond it", async () => {
  await rm(record("prepared", 1));
  await rm(record("offsets", 2));
  const { code, out } = await sferic("checkpoint", "repair", checkpoint, "--yes");
  expect(code).toBe(3);
  expect(out).toContain(`beyond repair  ${shown(record("offsets", 2))}: `);
  expect(out).toContain("Nothing is done.");
  expect(await readdir(join(checkpoint, "prepared"))).not.toContain("0000000001.json");
});

test("reset wants --yes, and then the next run reads everything again", async () => {
  const refused = await sferic("checkpoint", "reset", checkpoint);
  expect([refused.code, refused.out]).toEqual([2, ""]);
  expect(refused.err).toContain("--yes");
  const { code, out } = await sferic("checkpoint", "reset", checkpoint, "--yes");
  expect(code).toBe(0);
  expect(out).toContain(`${shown(`${checkpoint}.reset-1`)}; the next run starts from the beginning.`);
  expect(out).toContain("What csv wrote is still there");
  expect(await readdir(dirname(spec))).toEqual(["check.reset-1", "out", "pipeline.json"]);
  await rm(join(dirname(spec), "out"), { recursive: true });
  expect(JSON.parse((await sferic("run", spec, "--json")).out)).toMatchObject({ state: "succeeded", epochs: 7 });
  expect(JSON.parse((await sferic("checkpoint", "reset", checkpoint, "--yes", "--json")).out)).toEqual({
    checkpoint,
    movedTo: `${checkpoint}.reset-2`,
  });
});

test("reset refuses while a run holds the lock", async () => {
  await lockByAnotherHost();
  const before = await readdir(checkpoint, { recursive: true });
  const { code, err } = await sferic("checkpoint", "reset", checkpoint, "--yes");
  expect([code, err]).toEqual([4, expect.stringContaining("process 12 on elsewhere")]);
  expect(await readdir(checkpoint, { recursive: true })).toEqual(before);
  expect(hostname()).not.toBe("elsewhere");
});

test("a lock of a host that is gone: the run says what frees it, and unlock does it", async () => {
  await lockByAnotherHost();
  const refused = await sferic("run", spec);
  expect([refused.code, refused.err]).toEqual([
    4,
    expect.stringContaining(`"sferic checkpoint unlock ${checkpoint} --yes"`),
  ]);
  const asked = await sferic("checkpoint", "unlock", checkpoint);
  expect([asked.code, asked.out]).toEqual([4, expect.stringContaining("held by process 12 on elsewhere")]);
  expect(asked.err).toContain("Add --yes".toLowerCase());
  expect((await sferic("run", spec)).code).toBe(4);
  expect((await sferic("checkpoint", "unlock", checkpoint, "--yes")).code).toBe(0);
  expect((await sferic("checkpoint", "unlock", checkpoint)).out).toContain("no run holds it");
  expect(JSON.parse((await sferic("run", spec, "--json")).out)).toMatchObject({ state: "succeeded", epochs: 4 });
});

test("what operators remember is shown, checked, and given up when a file of it is lost", async () => {
  const windows = await specFile({
    ...flashesSpec,
    sources: { flashes: { ...flashesSpec.sources.flashes, watermark: { column: "flash_time", delay: "1 hour" } } },
    transforms: {
      minutes: {
        type: "aggregate",
        from: "flashes",
        window: { column: "flash_time", size: "1 hour" },
        groupBy: ["quality_flag"],
        measures: { flashes: "count(*)" },
      },
    },
    sinks: { out: { type: "files", from: "minutes", url: "./minutes/", format: { type: "json" } } },
  });
  const folder = join(dirname(windows), "check");
  const told = await sferic("run", windows, "--max-epochs", "2");
  expect(told.err + told.out).toMatch(/minutes +transform +[\d,]+ +0 +\d groups kept in [\d.]+ (bytes|kB)/);
  const { out } = await sferic("checkpoint", "show", folder);
  expect(out).toMatch(
    /States\n {2}operator +groups +memory +files +in all +newest\n {2}minutes +\d +[\d.]+ (bytes|kB) +\d +[\d.]+ kB +(full|delta) of epoch 1, [\d.]+ kB/,
  );
  const [name = ""] = (await readdir(join(folder, "state/minutes"))).slice(-1);
  await rm(join(folder, "state/minutes", name));
  const lost = new RegExp(`^error\\[corrupt\\]: .*${name}: Of what "minutes" remembers: it is missing\\.`, "m");
  expect(await sferic("checkpoint", "verify", folder)).toMatchObject({ code: 3, out: expect.stringMatching(lost) });
  expect(await sferic("run", windows)).toMatchObject({
    code: 3,
    err: expect.stringMatching(/error\[checkpoint-corrupt\].*"minutes" remembers: it is missing.*checkpoint repair/s),
  });
  const repair = await sferic("checkpoint", "repair", folder);
  expect(repair).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^forget .*"minutes" forgets its \d groups and begins anew/),
  });
  expect(repair.err).toContain("Add --yes");
  await sferic("checkpoint", "repair", folder, "--yes");
  expect(await sferic("checkpoint", "verify", folder)).toMatchObject({ code: 0 });
  expect(await sferic("run", windows)).toMatchObject({ code: 0 });
});
