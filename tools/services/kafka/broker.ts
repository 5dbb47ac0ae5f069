/**
 * Apache Kafka brokers on 127.0.0.1, for development and tests: broker and controller (KRaft) in one Java process of
 * about 230 MB, and others that join it. All that one has is in a data folder, by which it is known: a broker started again
 * there is the same one.
 */
import { spawn, execFile } from "node:child_process";
import { createHash, randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { copyFile, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { exists, jarsOf } from "../maven.ts";
import { ends, runs } from "./process.ts";

/** How a broker is started for the first time; later starts in the same folder keep what was said then. */
export interface BrokerOptions {
  /** Port for clients; a free one when left out. */
  readonly port?: number;
  /** Data folder of a broker that runs, whose cluster this one becomes a part of; a cluster of its own when left out. */
  readonly join?: string;
  /** Lines for server.properties, beside those that it has. */
  readonly properties?: Readonly<Record<string, string>>;
}

/** A broker that answers. */
export interface Broker {
  /** `host:port` for clients. */
  readonly address: string;
  readonly pid: number;
}

const readyMsMax = 60_000;
const stopMsMax = 30_000;

/**
 * Starts the broker of a data folder and waits until it answers: 2 to 20 seconds, and a download the first time on a
 * machine. A broker that runs there already is left as it is. Throws with the end of its log when it does not answer
 * within a minute.
 */
export async function startBroker(dataFolder: string, options: BrokerOptions = {}): Promise<Broker> {
  const jars = await kafkaJars();
  const files = filesOf(dataFolder);
  await mkdir(files.folder, { recursive: true });
  if (!(await exists(files.properties))) await writeFile(files.properties, await properties(files, options));
  const port = await portOf(files);
  const running = await pidOf(files);
  // One that was killed a moment ago holds its port and its folder until it is gone.
  if (running !== undefined && !(await ends(running, files.properties, 1000))) {
    await untilReady({ address: `127.0.0.1:${port}`, pid: running }, files);
    return { address: `127.0.0.1:${port}`, pid: running };
  }
  if (!(await isFree(port))) {
    const advice = `Stop that program, or start a broker in another folder.`;
    throw new Error(`Port ${port}, which the broker in ${files.folder} uses, is taken by another program. ${advice}`);
  }
  if (!(await exists(join(files.data, "meta.properties")))) await format(jars, files, options);
  const broker = { address: `127.0.0.1:${port}`, pid: await launch(jars, files) };
  try {
    await untilReady(broker, files);
  } catch (thrown) {
    await stopBroker(dataFolder, "SIGKILL");
    throw thrown;
  }
  return broker;
}

/**
 * Stops the broker of a data folder, if one runs: SIGTERM lets it finish (and is followed by SIGKILL after 30 seconds),
 * SIGKILL is how a machine fails. Returns when its process is gone; the data stays.
 */
export async function stopBroker(dataFolder: string, signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
  const files = filesOf(dataFolder);
  const pid = await pidOf(files);
  if (pid === undefined) return;
  if (await runs(pid, files.properties)) {
    process.kill(pid, signal);
    if (!(await ends(pid, files.properties, stopMsMax))) process.kill(pid, "SIGKILL");
    await ends(pid, files.properties, stopMsMax);
  }
  await rm(files.pid, { force: true });
  await keepArchive(files);
}

/** Folder with the jars of the broker: 44 MB, downloaded once on a machine. */
export function kafkaJars(): Promise<string> {
  return jarsOf(join(import.meta.dirname, "pom.xml"), { name: "kafka", title: "Apache Kafka" });
}

interface Files {
  readonly folder: string;
  readonly properties: string;
  readonly data: string;
  readonly pid: string;
  readonly log: string;
  /** Loaded classes, as the broker leaves them when it ends. */
  readonly archive: string;
}

function filesOf(dataFolder: string): Files {
  const folder = resolve(dataFolder);
  const file = (name: string): string => join(folder, name);
  return {
    folder,
    properties: file("server.properties"),
    data: file("data"),
    pid: file("broker.pid"),
    log: file("broker.log"),
    archive: file("classes.jsa"),
  };
}

async function properties({ data }: Files, options: BrokerOptions): Promise<string> {
  const port = options.port ?? (await freePort());
  const client = `PLAINTEXT://127.0.0.1:${port}`;
  const controller = options.join === undefined ? `127.0.0.1:${await freePort()}` : await controllerOf(options.join);
  const [roles, node, listeners] =
    options.join === undefined
      ? ["broker,controller", "1", `${client},CONTROLLER://${controller}`]
      : ["broker", String(port), client];
  const lines = {
    "process.roles": roles,
    "node.id": node,
    "controller.quorum.bootstrap.servers": controller,
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    listeners,
    "advertised.listeners": listeners,
    "log.dirs": data,
    "log.retention.hours": "-1",
    "auto.create.topics.enable": "false",
    "default.replication.factor": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "4",
    "group.initial.rebalance.delay.ms": "0",
    // One that was killed may come back when its last session has run out.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "log.cleaner.dedupe.buffer.size": "8388608",
    "num.network.threads": "2",
    "num.io.threads": "4",
    ...options.properties,
  };
  return Object.entries(lines)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
}

/**
 * Below the ports that systems give to outgoing connections: one of those, looking for a broker that is not there yet,
 * can take its port, and even find itself.
 */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer((socket) => socket.destroy()).listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch {
    return false;
  }
  await new Promise((closed) => server.close(closed));
  return true;
}

async function portOf(files: Files): Promise<number> {
  const text = await readFile(files.properties, "utf8");
  return Number(/^listeners=PLAINTEXT:\/\/127\.0\.0\.1:(\d+)/m.exec(text)?.[1]);
}

async function controllerOf(dataFolder: string): Promise<string> {
  const text = await readFile(filesOf(dataFolder).properties, "utf8");
  return /^controller\.quorum\.bootstrap\.servers=(.+)$/m.exec(text)![1]!;
}

async function clusterOf(dataFolder: string): Promise<string> {
  const text = await readFile(join(filesOf(dataFolder).data, "meta.properties"), "utf8");
  return /^cluster\.id=(.+)$/m.exec(text)![1]!;
}

async function pidOf(files: Files): Promise<number | undefined> {
  const text = await readFile(files.pid, "utf8").catch(() => "");
  return text === "" ? undefined : Number(text);
}

// Its classes are used for seconds or minutes: the second compiler would cost more than it gives.
const javaOptions = ["-Xshare:auto", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx512m"];

/** Where it logs, and where it unpacks libraries of codecs: with the broker, which may be killed. */
function places({ folder }: Files): string[] {
  return [`-Dlog4j2.configurationFile=${join(import.meta.dirname, "log4j2.xml")}`, `-Djava.io.tmpdir=${folder}`];
}

async function format(jars: string, files: Files, { join: other }: BrokerOptions): Promise<void> {
  // A leading hyphen would be taken for an option.
  const own = `s${randomBytes(16).toString("base64url").slice(1)}`;
  const cluster = other === undefined ? ["--standalone", "-t", own] : ["-t", await clusterOf(other)];
  const tool = ["kafka.tools.StorageTool", "format", ...cluster, "-c", files.properties];
  try {
    const classes = await sharedClasses(jars);
    await promisify(execFile)("java", [...javaOptions, ...classes, ...places(files), "-cp", join(jars, "*"), ...tool]);
  } catch (cause) {
    const { stderr } = cause as { stderr: string };
    throw new Error(`The data folder ${files.data} cannot be made:\n${lastLines(stderr)}`, { cause });
  }
}

async function launch(jars: string, files: Files): Promise<number> {
  const shared = await sharedClasses(jars);
  const classes = shared.length > 0 ? shared : [`-XX:ArchiveClassesAtExit=${files.archive}`];
  await using log = await open(files.log, "a");
  const args = [...javaOptions, ...classes, ...places(files), "-cp", join(jars, "*"), "kafka.Kafka", files.properties];
  const child = spawn("java", args, { detached: true, stdio: ["ignore", log.fd, log.fd] });
  child.unref();
  await writeFile(files.pid, String(child.pid));
  return child.pid!;
}

/** The option to take classes from the archive, if there is one. */
async function sharedClasses(jars: string): Promise<string[]> {
  const archive = await archiveIn(jars);
  return (await exists(archive)) ? [`-XX:SharedArchiveFile=${archive}`] : [];
}

/** Named by what Java compares before it takes an archive: a copy of the folder, with other times, gets its own. */
async function archiveIn(jars: string): Promise<string> {
  const hash = createHash("sha256");
  for (const name of (await readdir(jars)).filter((each) => each.endsWith(".jar")).toSorted()) {
    const { size, mtimeMs } = await stat(join(jars, name));
    hash.update(`${name} ${size} ${mtimeMs}\n`);
  }
  return join(jars, `classes-${hash.digest("hex").slice(0, 12)}.jsa`);
}

/** Puts the classes that a broker left beside the jars: the next start takes half as long. */
async function keepArchive({ archive }: Files): Promise<void> {
  if (!(await exists(archive))) return;
  const kept = await archiveIn(await kafkaJars());
  await copyFile(archive, `${kept}.${process.pid}`);
  await rename(`${kept}.${process.pid}`, kept);
  await rm(archive);
}

async function untilReady({ address, pid }: Broker, files: Files): Promise<void> {
  const until = Date.now() + readyMsMax;
  const port = Number(address.split(":")[1]);
  while (!(await answers(port))) {
    const hasEnded = !(await runs(pid, files.properties));
    if (!hasEnded && Date.now() < until) {
      await sleep(50);
      continue;
    }
    const log = lastLines(await readFile(files.log, "utf8"));
    const what = hasEnded ? "ended" : "does not answer";
    throw new Error(`The Kafka broker in ${files.folder} ${what}. Its log, ${files.log}, ends with:\n${log}`);
  }
}

function lastLines(text: string): string {
  return text.trimEnd().split("\n").slice(-20).join("\n");
}

/** ApiVersions (key 18), version 0, correlation id 7, no client id; then an answer to 7 without an error. */
const request = Buffer.from("0000000a001200000000" + "0007ffff", "hex");

/** Whether a broker on this port answers a request. */
function answers(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(request));
    const chunks: Buffer[] = [];
    const end = (isReady: boolean): void => {
      socket.destroy();
      settle(isReady);
    };
    socket.setTimeout(2000, () => end(false));
    socket.on("error", () => end(false));
    socket.on("close", () => end(false));
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      const answer = Buffer.concat(chunks);
      if (answer.length >= 10) end(answer.readInt32BE(4) === 7 && answer.readInt16BE(8) === 0);
    });
  });
}
