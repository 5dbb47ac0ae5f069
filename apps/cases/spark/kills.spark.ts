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
import { afterAll, beforeAll, expect, test } from "vitest";

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

function start(spec: string, ...more: string[]): Run {
  const child = spawn(process.execPath, [command, "run", folder.file(`${spec}.json`), "--json", ...more]);
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data) => (stdout += String(data)));
  child.stderr.on("data", (data) => (stderr += String(data)));
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, stdout, stderr }));
  return { process: child, ended };
}

/** Waits until a run has committed one more epoch: until then it may give up at once when there is no broker. */
async function nextCommit(checkpoint: string): Promise<void> {
  const newest = async (): Promise<string | undefined> =>
    (await readdir(folder.file(`${checkpoint}/commits`)).catch(() => [])).toSorted().at(-1);
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

/** Does something while events are produced, has the lake read the rest, and compares the table with what was produced. */
async function whileProducing(action: () => Promise<void>): Promise<void> {
  const producer = start("producer");
  await nextCommit("producer");
  await action();
  produced += await stop(producer);
  const { code, stderr } = await start("lake", "--trigger", "available-now").ended;
  expect(code, stderr).toBe(0);
  await expectEveryEventOnce("spark", `delta.\`${folder.file("lake-table")}\``, "range");
  await expectEveryEventOnce("duckdb", `delta_scan('${folder.file("lake-table")}')`, "range");
}

async function expectEveryEventOnce(reader: DeltaReader, table: string, range: string): Promise<void> {
  const found = `SELECT satellite, "timestamp" FROM ${table}`.replaceAll('"', reader === "spark" ? "`" : '"');
  const index = reader === "spark" ? "id" : "range";
  const expected = `SELECT concat('sat-', ${index} % ${satelliteCount}), 1700000000000000000 + ${index} * 1000000 FROM ${range}(${produced})`;
  expect(await readers.query(reader, `SELECT count(*) AS rows FROM ${table}`), reader).toEqual([{ rows: produced }]);
  for (const [one, other] of [
    [found, expected],
    [expected, found],
  ])
    expect(await readers.query(reader, `(${one}) EXCEPT ALL (${other}) LIMIT 5`), reader).toEqual([]);
}

test(`every event is in the table once after ${kills.run} kills of the run`, { timeout: 1_200_000 }, () =>
  whileProducing(() => killRuns(kills.run)),
);

test(`every event is in the table once after ${kills.broker} kills of the broker`, { timeout: 1_200_000 }, () =>
  whileProducing(async () => {
    const lake = start("lake");
    await nextCommit("lake");
    await killBrokers(kills.broker);
    await stop(lake);
  }),
);

test("every event is in the table once after kills of both at once", { timeout: 1_200_000 }, () =>
  whileProducing(async () => {
    await Promise.all([killRuns(kills.both[0]), killBrokers(kills.both[1])]);
  }),
);
