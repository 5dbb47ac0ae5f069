import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { repeats } from "@sferic/testkit";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from "vitest";

/** How often processes spill at once; `npm run spill` plays the full number. */
const rounds = repeats("SFERIC_SPILL_ROUNDS", 1, 20);
const processes = 3;
const memoryBytesMax = 33_554_432;
const patience = { timeout: 60_000 * (1 + rounds) };

const command = fileURLToPath(new URL("../../cli/bin/sferic.js", import.meta.url));

let root: string;
let folder: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sferic-spilling-"));
});

afterAll(() => rm(root, { recursive: true, force: true }));

beforeEach(async () => {
  folder = await mkdtemp(join(root, "test-"));
  await mkdir(join(folder, "temp"));
});

/** A pipeline that sorts more rows than memory holds; each has other rows, which its output shows when they get mixed. */
async function pipeline(name: string, start: number, run: object = {}, rows = 1_000_000): Promise<string> {
  const index = `index + ${start}`;
  const spec = {
    name,
    sources: { numbers: { type: "generate", rows, columns: { a: index, b: "hash(index)", c: index, d: index } } },
    transforms: {
      sorted: { type: "sql", from: { t: "numbers" }, query: "SELECT * FROM t ORDER BY b" },
      totals: {
        type: "aggregate",
        from: "sorted",
        measures: {
          rows: "count(*)",
          wrong: `count_if(a <> c OR a <> d OR a < ${start} OR a >= ${start + rows} OR b <> hash(a - ${start}))`,
          total: "sum(a)",
        },
      },
    },
    sinks: { csv: { type: "files", from: "totals", url: `./out/${name}-$\{param:out}/`, format: { type: "csv" } } },
    parameters: { out: { type: "string", default: "one" } },
    run: { memoryBytesMax, ...run },
  };
  const path = join(folder, `${name}-${start}.json`);
  await writeFile(path, JSON.stringify(spec));
  return path;
}

function start(spec: string, out: string, environment: NodeJS.ProcessEnv = {}): ChildProcess {
  const env = { ...process.env, TMPDIR: join(folder, "temp"), SFERIC_TEMP_DIR: "", ...environment };
  const child = spawn(process.execPath, [command, "run", spec, "--param", `out=${out}`], { stdio: "ignore", env });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

async function ended(child: ChildProcess): Promise<void> {
  const [code] = await once(child, "exit");
  expect(code).toBe(0);
}

async function written(out: string): Promise<string[]> {
  const names = await readdir(join(folder, "out"));
  const texts = names.filter((name) => name.endsWith(`-${out}`)).toSorted();
  return Promise.all(
    texts.map(async (name) => {
      const file = (await readdir(join(folder, "out", name))).find((part) => part.startsWith("part-"));
      return readFile(join(folder, "out", name, file!), "utf8");
    }),
  );
}

function spillFolders(parent: string): Promise<string[]> {
  return readdir(parent).then(
    (names) => names.filter((name) => name.startsWith("sferic-spill-")).map((name) => join(parent, name)),
    () => [],
  );
}

/** The folder of a run that is spilling now, other than `known`. */
async function spilling(parent: string, known?: string): Promise<string> {
  return vi.waitFor(
    async () => {
      for (const found of await spillFolders(parent)) {
        if (found === known) continue;
        if ((await readdir(found)).some((name) => name.startsWith("duckdb_temp_storage"))) return found;
      }
      throw new Error(`nothing is spilled below ${parent}`);
    },
    { timeout: 30_000, interval: 5 },
  );
}

test.each([
  ["one pipeline", () => pipeline("spill", 0)],
  ["several pipelines", (index: number) => pipeline(`spill-${index}`, index * 1_000_000_000)],
  [
    "pipelines of one name with checkpoints of their own",
    (index: number) => pipeline("spill", index * 1_000_000_000, { checkpoint: "./checks/${param:out}" }),
  ],
])("processes of %s that spill at once give what they give one at a time", patience, async (_, specOf) => {
  const specs = await Promise.all(Array.from({ length: processes }, (_, index) => specOf(index)));
  for (const spec of new Set(specs)) await ended(start(spec, `alone-${specs.indexOf(spec)}`));
  const alone = await Promise.all(specs.map((spec) => written(`alone-${specs.indexOf(spec)}`)));
  expect(alone.flat().every((text) => /^1000000,0,\d+$/m.test(text))).toBe(true);
  for (let round = 0; round < rounds; round++) {
    const children = specs.map((spec, index) => start(spec, `${round}-${index}`));
    await Promise.all(children.map(ended));
    expect(await Promise.all(specs.map((_, index) => written(`${round}-${index}`)))).toEqual(alone);
  }
  expect(await readdir(join(folder, "temp"))).toEqual([]);
});

test.each([
  ["the system's folder", {}, {}, "temp"],
  ["the checkpoint", { checkpoint: "./checkpoint" }, {}, "checkpoint/staged"],
  ["run.tempDirectory", { checkpoint: "./checkpoint", tempDirectory: "./spilled" }, {}, "spilled"],
  ["SFERIC_TEMP_DIR", { tempDirectory: "./spilled" }, { SFERIC_TEMP_DIR: "named" }, "named"],
])("a run spills to a private folder in %s, which goes when it ends", patience, async (_, run, environment, parent) => {
  const named = Object.entries(environment).map(([name, value]) => [name, join(folder, value)]);
  const spec = await pipeline("spill", 0, run);
  const child = start(spec, "one", Object.fromEntries(named));
  const exit = ended(child);
  const found = await spilling(join(folder, parent));
  expect((await stat(found)).mode & 0o777).toBe(0o700);
  await exit;
  expect(await spillFolders(join(folder, parent))).toEqual([]);
});

test(
  "what a killed run has spilled is removed by the next one, which leaves that of a living run",
  patience,
  async () => {
    const spec = await pipeline("spill", 0, {}, 4_000_000);
    const killed = start(spec, "killed");
    const left = await spilling(join(folder, "temp"));
    killed.kill("SIGKILL");
    await once(killed, "exit");
    const living = start(spec, "living");
    const kept = await spilling(join(folder, "temp"), left);
    await expect(stat(left)).rejects.toThrow("ENOENT");
    await ended(start(await pipeline("small", 0, {}, 1000), "next"));
    await stat(kept);
    living.kill("SIGKILL");
  },
);
