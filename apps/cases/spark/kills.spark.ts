import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type DeltaReader,
  DeltaReaders,
  type KafkaBroker,
  kafkaBroker,
  type TemporaryFolder,
  temporaryFolder,
} from "@sferic/testkit";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

/** Kills of the run, of the broker, and of both at once: the second number is of the broker. */
const kills = { run: 200, broker: 20, both: [40, 5] as const };

const command = join(import.meta.dirname, "../../cli/bin/sferic.js");
const satelliteCount = 1000;
const eventsPerSecond = 500;

let folder: TemporaryFolder;
let broker: KafkaBroker;
let readers: DeltaReaders;

beforeAll(async () => {
  folder = await temporaryFolder();
  broker = await kafkaBroker();
  readers = new DeltaReaders();
  const connections = { broker: { type: "kafka", brokers: [broker.address] } };
  const format = { type: "flatbuffers", schema: "./event.fbs", root: "event.Event" };
  await writeFile(
    folder.file("event.fbs"),
    "namespace event; table Event { satellite: string; timestamp: long; value: double; } root_type Event;",
  );
  await writeSpec("producer", {
    connections,
    sources: { events: { type: "generate", rows: 1e9, rowsPerEpoch: eventsPerSecond, columns: eventColumns() } },
    sinks: {
      topic: {
        type: "kafka",
        from: "events",
        connection: "broker",
        topic: "sat-data",
        format,
        key: "satellite",
        rowsPerSecond: eventsPerSecond,
        retryFor: "5 minutes",
        createTopic: { partitions: 4 },
      },
    },
    run: { trigger: "available-now", checkpoint: "producer" },
  });
  await writeSpec("lake", {
    connections,
    sources: {
      events: {
        type: "kafka",
        connection: "broker",
        topic: "sat-data",
        startAt: "earliest",
        format,
        retryFor: "5 minutes",
      },
    },
    sinks: { lake: { type: "delta", from: "events", url: "./lake-table", optimize: { targetBytes: 1_000_000 } } },
    run: { trigger: { everyMs: 100 }, checkpoint: "lake" },
  });
});

// Those of a test that failed.
afterEach(() => {
  for (const child of running) child.kill("SIGKILL");
});

afterAll(async () => {
  await readers?.[Symbol.asyncDispose]();
  await broker?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

/** A satellite's name and a time that no other event has. */
function eventColumns(): Record<string, string> {
  return {
    satellite: `'sat-' || (index % ${satelliteCount})`,
    timestamp: "1700000000000000000 + index * 1000000",
    value: "sin(index / 100) + random",
  };
}

async function writeSpec(name: string, spec: object): Promise<void> {
  await mkdir(folder.path, { recursive: true });
  await writeFile(folder.file(`${name}.json`), JSON.stringify({ name, ...spec }));
}

interface Run {
  readonly process: ChildProcess;
  /** Exit code, signal, and what it printed. */
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

const running = new Set<ChildProcess>();

function start(spec: string, ...more: string[]): Run {
  const child = spawn(process.execPath, [command, "run", folder.file(`${spec}.json`), "--json", ...more]);
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data) => (stdout += String(data)));
  child.stderr.on("data", (data) => (stderr += String(data)));
  running.add(child);
  const ended = once(child, "close").then(([code]) => {
    running.delete(child);
    return { code: code as number | null, stdout, stderr };
  });
  return { process: child, ended };
}

/** Waits until a run has committed one more epoch: until then it may give up at once when there is no broker. */
async function nextCommit(checkpoint: string): Promise<void> {
  const newest = async (): Promise<string | undefined> =>
    (await readdir(folder.file(`${checkpoint}/commits`)).catch(() => [])).toSorted((a, b) => (a < b ? -1 : 1)).at(-1);
  const before = await newest();
  while ((await newest()) === before) await sleep(50);
}

/** Lets the run finish its epoch. Resolves to how many rows it wrote. */
async function stop({ process, ended }: Run): Promise<number> {
  process.kill("SIGTERM");
  const { code, stdout, stderr } = await ended;
  expect([0, 130], `${stdout}${stderr}`).toContain(code);
  return (JSON.parse(stdout) as { rows: { written: number } }).rows.written;
}

/** Starts the lake so often and kills it each time, at another moment between its start and a second of reading. */
async function killRuns(count: number): Promise<void> {
  for (let kill = 0; kill < count; kill++) {
    const { process, ended } = start("lake");
    await sleep(250 + ((kill * 617) % 1250));
    process.kill("SIGKILL");
    const { code, stderr } = await ended;
    expect(code, stderr).toBeNull();
  }
}

async function killBrokers(count: number): Promise<void> {
  for (let kill = 0; kill < count; kill++) {
    await sleep(500 + ((kill * 331) % 2000));
    await broker.kill();
    await broker.start();
  }
}

let produced = 0;

/** What a reader says of the table, held against what was produced, as multisets of satellite and time. */
interface Found {
  readonly rows: unknown;
  readonly missing: readonly unknown[];
  readonly surplus: readonly unknown[];
}

/** Does something while events are produced, and has the lake read the rest. */
async function tableAfter(action: () => Promise<void>): Promise<Record<DeltaReader, Found>> {
  const producer = start("producer");
  await nextCommit("producer");
  await action();
  produced += await stop(producer);
  const { code, stdout, stderr } = await start("lake", "--trigger", "available-now").ended;
  expect(code, `${stdout}${stderr}`).toBe(0);
  return {
    spark: await found("spark", `delta.\`${folder.file("lake-table")}\``),
    duckdb: await found("duckdb", `delta_scan('${folder.file("lake-table")}')`),
  };
}

async function found(reader: DeltaReader, table: string): Promise<Found> {
  const index = reader === "spark" ? "id" : "range";
  const events = `SELECT satellite, ${reader === "spark" ? "`timestamp`" : '"timestamp"'} FROM ${table}`;
  const expected = `SELECT concat('sat-', ${index} % ${satelliteCount}), 1700000000000000000 + ${index} * 1000000 FROM range(${produced})`;
  const [count] = await readers.query(reader, `SELECT count(*) AS rows FROM ${table}`);
  const without = (one: string, other: string): Promise<unknown[]> =>
    readers.query(reader, `(${one}) EXCEPT ALL (${other}) LIMIT 5`);
  return {
    rows: count!["rows"],
    missing: await without(expected, events),
    surplus: await without(events, expected),
  };
}

function everyEventOnce(): Record<DeltaReader, Found> {
  const whole = { rows: produced, missing: [], surplus: [] };
  return { spark: whole, duckdb: whole };
}

const timeout = 1_200_000;

test(`every event is in the table once after ${kills.run} kills of the run`, { timeout }, async () => {
  expect(await tableAfter(() => killRuns(kills.run))).toEqual(everyEventOnce());
  expect(produced).toBeGreaterThan(0);
});

test(`every event is in the table once after ${kills.broker} kills of the broker`, { timeout }, async () => {
  const found = await tableAfter(async () => {
    const lake = start("lake");
    await nextCommit("lake");
    await killBrokers(kills.broker);
    await stop(lake);
  });
  expect(found).toEqual(everyEventOnce());
});

test("every event is in the table once after kills of both at once", { timeout }, async () => {
  const found = await tableAfter(async () => {
    await Promise.all([killRuns(kills.both[0]), killBrokers(kills.both[1])]);
  });
  expect(found).toEqual(everyEventOnce());
});
