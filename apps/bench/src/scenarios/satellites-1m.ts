import { execFileSync } from "node:child_process";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withOwnMemory, withPrinted } from "../answers.ts";
import { runCommand } from "../commands.ts";
import { atMostBytes, atMostSeconds, sameNumber } from "../judge.ts";
import { planWithBroker } from "../kafka-broker.ts";
import { isThere, peer, root, sferic, wholeProcess, workDirectory } from "../places.ts";
import type { Answer, Plan, Scenario } from "../scenario.ts";

const own = "sferic run";
const spark = "Spark";
const templates = join(root, "apps/cli/templates");

/** The satellites' events from a topic to a Delta table, by commands that start and end. */
export const satellites1m: Scenario = {
  name: "satellites-1m",
  summary:
    "1,000,000 events of 8 fields, FlatBuffers in a Kafka topic of 4 partitions, decoded into a Delta Lake table under a checkpoint; whole processes from start to end.",
  repetitions: 5,
  warmUps: 0,
  prepare: async (size) => {
    const events = size === "full" ? 1_000_000 : 20_000;
    return planWithBroker("satellites", (broker) => planOf(broker, events));
  },
};

async function planOf(broker: string, events: number): Promise<Plan> {
  const topic = `sat-data-${events}`;
  await fillTopic(broker, topic, events);
  const out = (name: string): string => join(workDirectory, "out", `satellites-${name}`);
  const folder = await templateFolder("lake", broker, topic, (spec) => {
    spec.sinks["raw"]!["url"] = join(out("sferic"), "table");
    spec.run = { trigger: "available-now", checkpoint: join(out("sferic"), "checkpoint") };
  });
  const jars = execFileSync(process.execPath, [join(root, "tools/services/spark/main.ts"), "jars"], {
    encoding: "utf8",
  }).trim();
  const lake = peer("satellites", "lake", jars, broker, topic, out("spark"));
  return {
    contenders: [
      {
        name: own,
        command: wholeProcess(out("sferic"), [...sferic, "run", join(folder, "pipeline.json"), "--json"]),
        interpret: withSums(out("sferic")),
      },
      {
        name: spark,
        command: wholeProcess(out("spark"), lake),
        interpret: (answer) => withSums(out("spark"))(withOwnMemory(answer)),
        repetitionsMax: 1,
      },
    ],
    checks: ["rows", "events", "temp_c", "sensor3"].map((value) =>
      sameNumber(value, [own, spark], value === "rows" || value === "events" ? 0 : 1e-12),
    ),
    requirements: [atMostSeconds(own, 4), atMostBytes(own, 256 * 2 ** 20)],
  };
}

interface Spec {
  connections: Record<string, Record<string, unknown>>;
  sources: Record<string, Record<string, unknown>>;
  sinks: Record<string, Record<string, unknown>>;
  run: object;
}

/** The samples and then the events of the templates of `sferic init`, as fast as possible. */
async function fillTopic(broker: string, topic: string, events: number): Promise<void> {
  const samples = await templateFolder("samples", broker, topic, () => {});
  const rows = ["--param", `rows=${events}`, "--param", `samples=${events / 1000}`];
  await runCommand([...sferic, "run", join(samples, "pipeline.json"), ...rows]);
  const producer = await templateFolder("producer", broker, topic, (spec) => {
    spec.sources["samples"]!["url"] = join(samples, "data/samples/satellite_name=*/*.csv");
  });
  await runCommand([...sferic, "run", join(producer, "pipeline.json"), "--param", "speed=1000000"]);
}

/** A template of the satellites, with this broker and topic, in a folder of its own. */
async function templateFolder(
  name: string,
  broker: string,
  topic: string,
  change: (spec: Spec) => void,
): Promise<string> {
  const folder = join(workDirectory, "satellites", topic, name);
  await rm(folder, { recursive: true, force: true });
  const template = join(templates, `satellite-${name}`);
  await mkdir(join(folder, "data"), { recursive: true });
  const spec = JSON.parse(await readFile(join(template, "pipeline.json"), "utf8")) as Spec;
  for (const one of [...Object.values(spec.sources), ...Object.values(spec.sinks)])
    if (one["topic"] !== undefined) one["topic"] = topic;
  if (spec.connections?.["broker"] !== undefined) spec.connections["broker"]["brokers"] = [broker];
  change(spec);
  if (isThere(join(template, "data/event.fbs")))
    await copyFile(join(template, "data/event.fbs"), join(folder, "data/event.fbs"));
  await writeFile(join(folder, "pipeline.json"), JSON.stringify(spec, null, 2));
  return folder;
}

/** The answer with what a table holds. */
function withSums(out: string): (answer: Answer) => Answer {
  return withPrinted(peer("satellites", "sums", join(out, "table")));
}
