import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { glob, mkdtemp, readFile, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { deltaRows, kafkaBroker } from "@sferic/testkit";
import { ByteBuffer, Encoding } from "flatbuffers";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import kafkajs from "kafkajs";
import { expect, onTestFinished, test } from "vitest";
import { progressText } from "./status.ts";

const main = join(import.meta.dirname, "main.ts");

const node = ["--conditions=@sferic/source", "--disable-warning=ExperimentalWarning", main];

async function demo(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(process.execPath, [...node, ...args], { env: { ...process.env, CI: "true" } });
}

async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "sferic-satellites-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Satellite and time of a message, as code made by `flatc` reads it. */
function eventOf(value: Buffer): string {
  const message = new ByteBuffer(value);
  const table = message.position() + message.readInt32(message.position());
  const place = (slot: number): number => table + message.__offset(table, 4 + 2 * slot);
  return `${message.__string(place(0), Encoding.UTF16_STRING) as string} ${message.readInt64(place(1))}`;
}

/** All events of the topic, by a client of its own. */
async function eventsIn(address: string, count: number): Promise<string[]> {
  const kafka = new kafkajs.Kafka({ brokers: [address], logLevel: kafkajs.logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: "independent" });
  const events: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  await consumer.connect();
  await consumer.subscribe({ topic: "sat-data", fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      events.push(eventOf(message.value!));
      if (events.length === count) resolve();
    },
  });
  await promise;
  await consumer.disconnect();
  return events;
}

async function parquetRows(path: string): Promise<Record<string, unknown>[]> {
  return parquetReadObjects({ file: await asyncBufferFromFile(path), compressors });
}

test(
  "every event of the topic is in the table once, and the means are those of its rows",
  { timeout: 240_000 },
  async () => {
    await using broker = await kafkaBroker();
    const out = await scratch();
    const sizes = ["--satellites", "20", "--samples", "50", "--speed", "1000000"];
    const { stdout, stderr } = await demo(...sizes, "--kafka", broker.address, "--out", out);
    expect(stderr).toMatch(/sent 1,000 of 1,000 {3}in the table 1,000 {3}lag 0 {3}commits \d+\n/);
    expect(stdout).toContain("satellites.html");
    const rows = await deltaRows(join(out, "data/delta-tables/satellite-data-raw"), parquetRows);
    const stored = rows.map((row) => `${String(row["satellite_name"])} ${String(row["timestamp_ns"])}`);
    const sent = await eventsIn(broker.address, 1000);
    expect(stored.toSorted()).toEqual(sent.toSorted());
    expect(new Set(sent).size).toBe(1000);
    expect(await meansIn(out)).toEqual(meansOf(rows));
    expect(await readFile(join(out, "data/satellites.html"), "utf8")).toContain("<option");
  },
);

/** Mean temperatures by satellite and minute, to nine digits, as the pipeline wrote them: a mean of 32 hundredths has seven. */
async function meansIn(out: string): Promise<Map<string, number>> {
  const [file] = await Array.fromAsync(glob("data/means/*.parquet", { cwd: out }));
  const means = (await parquetRows(join(out, file!))).map(
    (row) =>
      [`${String(row["satellite_name"])} ${Number(row["window_start"])}`, rounded(Number(row["temp_c"]))] as const,
  );
  return new Map(means);
}

/** As much, from the rows of the table. */
function meansOf(rows: readonly Readonly<Record<string, unknown>>[]): Map<string, number> {
  const groups = Map.groupBy(rows, (row) => {
    const minute = (row["timestamp_ns"] as bigint) / 60_000_000_000n;
    return `${String(row["satellite_name"])} ${Number(minute * 60_000n)}`;
  });
  const means = [...groups].map(([name, group]) => {
    const sum = group.reduce((total, row) => total + Number(row["temp_c"]), 0);
    return [name, rounded(sum / group.length)] as const;
  });
  return new Map(means);
}

function rounded(value: number): number {
  return Number(value.toFixed(9)) + 0;
}

test("Ctrl-C ends it with what has arrived, and nothing is left running", { timeout: 240_000 }, async () => {
  const out = await scratch();
  const child = spawn(process.execPath, [...node, "--satellites", "20", "--out", out], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  const { promise: hasArrived, resolve } = Promise.withResolvers<void>();
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
    if (/in the table [1-9]/.test(said)) resolve();
  });
  const ended = once(child, "close") as Promise<[number | null]>;
  await Promise.race([hasArrived, ended]);
  child.kill("SIGINT");
  const [code] = await ended;
  expect({ code, said }).toMatchObject({ code: 0 });
  expect(await commandsIn(out)).toEqual([]);
  const rows = await deltaRows(join(out, "data/delta-tables/satellite-data-raw"), parquetRows);
  expect(rows.length).toBeGreaterThan(0);
  expect(rows.length).toBeLessThan(20_000);
  expect(await readFile(join(out, "data/satellites.html"), "utf8")).toContain("<option");
});

/** What processes do that were started for a folder; nothing is known of them outside Linux. */
async function commandsIn(folder: string): Promise<string[]> {
  const commands: string[] = [];
  for await (const path of glob("/proc/[0-9]*")) {
    const command = await readFile(join(path, "cmdline"), "utf8").catch(() => "");
    const working = await readlink(join(path, "cwd")).catch(() => "");
    if (command.includes(folder) || working === folder) commands.push(command.replaceAll("\0", " "));
  }
  return commands;
}

test("it refuses a folder that is not its own, and options that mean nothing", async () => {
  const own = join(import.meta.dirname);
  await expect(demo("--out", own)).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining("holds other files"),
  });
  await expect(demo("--satellites", "none")).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining("--samples"),
  });
});

test("the line says rows, lag and commits", () => {
  const text = progressText({ seconds: 12.3, events: 1_000_000, sent: 84_000, stored: 79_200, commits: 2 });
  expect(text).toBe("  12 s   sent 84,000 of 1,000,000   in the table 79,200   lag 4,800   commits 2");
});
