/** `npm run demo:satellites`: see the usage below. */
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import kafkajs, { type Admin } from "kafkajs";
import { startBroker, stopBroker } from "../services/kafka/broker.ts";
import { Command } from "./command.ts";
import { progressText, StatusLine } from "./status.ts";
import { TableFollower } from "./table-follower.ts";

const usage = `npm run demo:satellites -- [options]

Starts a Kafka broker; makes the signals of satellites; sends them to a topic, and from there into a Delta Lake table, at
the same time; then draws them with their means.

--satellites <n>   how many (1000)
--samples <n>      of each (1000); satellites measure every 100 to 200 ms
--speed <factor>   how many times as fast as that; 1000000 is as fast as possible (1)
--seconds <n>      stop after so long, with what has arrived by then; so does Ctrl-C
--kafka <address>  a broker that is there, instead of one of its own
--out <folder>     where everything goes (out/satellites); what an earlier demo left there is replaced
`;

const topic = "sat-data";
const mark = ".sferic-demo-satellites";

/** How long the table may take for what is in the topic when nothing more comes, in milliseconds. */
const catchUpMsMax = 60_000;

interface Options {
  readonly satellites: number;
  readonly samples: number;
  readonly speed: number;
  readonly seconds: number;
  readonly kafka: string | undefined;
  readonly out: string;
}

function readOptions(): Options | null {
  const { values } = parseArgs({
    options: {
      satellites: { type: "string", default: "1000" },
      samples: { type: "string", default: "1000" },
      speed: { type: "string", default: "1" },
      seconds: { type: "string", default: "Infinity" },
      kafka: { type: "string" },
      out: { type: "string", default: "out/satellites" },
      help: { type: "boolean", default: false },
    },
  });
  const [satellites, samples, speed, seconds] = [values.satellites, values.samples, values.speed, values.seconds].map(
    Number,
  );
  const isSound =
    [satellites, samples].every((value) => Number.isInteger(value) && value! > 0) && speed! > 0 && seconds! > 0;
  if (values.help || !isSound) return null;
  return {
    satellites: satellites!,
    samples: samples!,
    speed: speed!,
    seconds: seconds!,
    kafka: values.kafka,
    out: resolve(values.out),
  };
}

/** An empty folder, save for what the broker's start makes faster. Rejects for one that holds something else. */
async function prepareFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const names = await readdir(folder);
  if (names.length > 0 && !names.includes(mark)) {
    throw new Error(`${folder} holds other files. Give --out a folder that is empty or not there yet.`);
  }
  // A demo that was killed may have left its broker.
  await stopBroker(join(folder, "kafka"), "SIGKILL");
  for (const name of names) await rm(join(folder, name), { recursive: true, force: true });
  await writeFile(
    join(folder, mark),
    "Results of npm run demo:satellites. The next one into this folder replaces them.\n",
  );
  await writeFile(join(folder, ".gitignore"), "*\n");
  await mkdir(join(folder, "logs"));
}

async function demo(options: Options, stopped: AbortSignal): Promise<void> {
  const { out, satellites, samples } = options;
  await using ending = new AsyncDisposableStack();
  await prepareFolder(out);
  const broker = join(out, "kafka");
  if (options.kafka === undefined) {
    tell("broker", "starting Apache Kafka; the first time it is downloaded (44 MB)");
    ending.defer(() => stopBroker(broker));
  }
  const address = options.kafka ?? (await startBroker(broker)).address;
  const commands = new Set<Command>();
  ending.defer(async () => void (await Promise.all([...commands].map((command) => command.end()))));
  const start = (name: string, ...args: string[]): Command => {
    const command = new Command(name, args, out, { KAFKA: address });
    commands.add(command);
    return command;
  };
  const run = (name: string, ...args: string[]): Promise<void> =>
    start(name, "run", `${name}.json`, ...args).succeeded();
  for (const name of ["samples", "producer", "lake", "means"].map((end) => `satellite-${end}`)) {
    await start(`init-${name}`, "init", name, "--out", `${name}.json`).succeeded();
  }
  tell("samples", `${satellites} satellites with ${samples} samples each`);
  await run("satellite-samples", "--param", `rows=${satellites * samples}`, "--param", `samples=${samples}`);
  if (!stopped.aborted) await stream(options, address, start, stopped);
  tell("means", "one-minute means of what is in the table, and figures");
  await run("satellite-means");
  tellPlaces(out);
}

/** Producer and lake together, until all events are in the table or somebody stops it. */
async function stream(
  { out, satellites, samples, speed, seconds }: Options,
  address: string,
  start: (name: string, ...args: string[]) => Command,
  stopped: AbortSignal,
): Promise<void> {
  const kafka = new kafkajs.Kafka({ brokers: [address], logLevel: kafkajs.logLevel.NOTHING });
  const admin = kafka.admin();
  await using ending = new AsyncDisposableStack();
  ending.defer(() => admin.disconnect());
  await admin.connect();
  const begun = await endOf(admin);
  const producer = start("satellite-producer", "run", "satellite-producer.json", "--param", `speed=${speed}`);
  const beganMs = performance.now();
  while ((await endOf(admin)) === null && producer.code === undefined) await sleep(100);
  const lake = start("satellite-lake", "run", "satellite-lake.json");
  const table = new TableFollower(join(out, "data/delta-tables/satellite-data-raw"));
  const line = new StatusLine();
  const events = (begun ?? 0) + satellites * samples;
  let [sent, endedMs] = [0, Number.POSITIVE_INFINITY];
  const text = (): string => {
    const passed = (performance.now() - beganMs) / 1000;
    return progressText({ seconds: passed, events, sent, stored: table.rows, commits: table.commits });
  };
  for (;;) {
    [sent] = [(await endOf(admin)) ?? 0, await table.look()];
    line.show(text());
    if (lake.code !== undefined) throw await lake.failure();
    const isOver = stopped.aborted || performance.now() - beganMs > seconds * 1000;
    if (isOver && producer.code === undefined) await producer.end();
    else if (!isOver && (producer.code ?? 0) !== 0) throw await producer.failure();
    if (producer.code !== undefined) {
      endedMs = Math.min(endedMs, performance.now());
      sent = (await endOf(admin)) ?? 0;
      if (table.rows >= sent || performance.now() - endedMs > catchUpMsMax) break;
    }
    await sleep(stopped.aborted ? 100 : 500);
  }
  await lake.drain();
  await table.look();
  line.end(text());
}

/** Events in the topic; null where there is none yet. */
async function endOf(admin: Admin): Promise<number | null> {
  if (!(await admin.listTopics()).includes(topic)) return null;
  const partitions = await admin.fetchTopicOffsets(topic).catch(() => []);
  return partitions.reduce((sum, { high }) => sum + Number(high), 0);
}

function tell(what: string, text: string): void {
  process.stderr.write(`${what.padEnd(10)}${text}\n`);
}

function tellPlaces(out: string): void {
  const place = (name: string): string => relative(process.cwd(), join(out, name)) || ".";
  const places = [
    ["figures", place("data/satellites.html")],
    ["as a picture", place("data/satellites-series.png")],
    ["events, as a Delta Lake table", place("data/delta-tables/satellite-data-raw")],
    ["means, as Parquet", place("data/means/")],
    ["samples, as CSV", place("data/samples/")],
    ["the four pipelines", place("satellite-*.json")],
    ["what they printed", place("logs/")],
  ];
  for (const [what, path] of places) console.log(`${what!.padEnd(32)}${path}`);
}

const options = readOptions();
if (options === null) {
  process.stderr.write(usage);
  process.exitCode = 2;
} else {
  const stop = new AbortController();
  // Only the first one means something: whatever was started is ended in any case, and within a minute.
  const onSignal = (): void => stop.abort();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, onSignal);
  try {
    await demo(options, stop.signal);
  } catch (thrown) {
    process.stderr.write(`\n${(thrown as Error).message}\n`);
    process.exitCode = 1;
  }
}
