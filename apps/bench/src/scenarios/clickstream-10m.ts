import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withOwnMemory, withPrinted } from "../answers.ts";
import { runCommand } from "../commands.ts";
import { atMostBytes, sameNumber, timesFaster } from "../judge.ts";
import { inTurn, peer, sferic, wholeProcess, workDirectory } from "../places.ts";
import type { Answer, Scenario } from "../scenario.ts";

const one = "sferic run";
const two = "sferic run, then another over its CSV files";
const spark = "Spark";
const sums = ["clicks", "impressions", "quantity", "total_price"];
const memoryBytesMax = 512 * 2 ** 20;

/** The click stream from its files to its windows, by commands that start and end. */
export const clickstream10m: Scenario = {
  name: "clickstream-10m",
  summary:
    "10,000,000 click events, 1.37 GB of JSON lines in 200 files, five to an epoch, under a checkpoint: to flat CSV files, and to event-time sums per 30 seconds in Parquet; whole processes from start to end.",
  repetitions: 5,
  warmUps: 0,
  prepare: async (size) => {
    const [rows, fileCount] = size === "full" ? [10_000_000, 200] : [250_000, 20];
    const folder = join(workDirectory, "clicks");
    const data = join(folder, `${rows}-in-${fileCount}`);
    const out = (name: string): string => join(workDirectory, "out", `clickstream-${name}`);
    await mkdir(folder, { recursive: true });
    await runCommand(peer("clicks", "make", data, String(rows), String(rows / fileCount)));
    const run = async (spec: Spec): Promise<string[]> => {
      const file = join(folder, `${spec.name}.json`);
      await writeFile(file, JSON.stringify(spec, null, 2));
      return [...sferic, "run", file, "--json"];
    };
    const [both, flat, windows] = await Promise.all(
      [bothSpec(data, out("one")), flatSpec(data, out("two")), windowsSpec(out("two"))].map(run),
    );
    return {
      contenders: [
        { name: one, command: wholeProcess(out("one"), both!), interpret: withSums(out("one")) },
        { name: two, command: wholeProcess(out("two"), inTurn([flat!, windows!])), interpret: withSums(out("two")) },
        {
          name: spark,
          command: wholeProcess(out("spark"), peer("streams", "clickstream", data, out("spark"))),
          interpret: (answer) => withSums(out("spark"))(withOwnMemory(answer)),
          repetitionsMax: 1,
        },
      ],
      checks: ["windows", "clicks", "impressions", "quantity", "total_price"].map((value) =>
        sameNumber(value, [one, two, spark], value === "total_price" ? 1e-12 : 0),
      ),
      requirements: [
        timesFaster(one, spark, 10),
        timesFaster(two, spark, 10),
        atMostBytes(one, memoryBytesMax),
        atMostBytes(two, memoryBytesMax),
      ],
    };
  },
};

interface Spec {
  readonly name: string;
  readonly [field: string]: unknown;
}

const bounded = { type: "files", filesPerEpoch: 5 };
const watermark = { column: "datetime", delay: "10 seconds" };
const aggregate = {
  type: "aggregate",
  from: "flat",
  window: { column: "datetime", size: "30 seconds" },
  measures: Object.fromEntries(sums.map((name) => [name, `sum(${name})`])),
};

function clicksOf(data: string): object {
  const schema = {
    datetime: "timestamp",
    sales: { quantity: "int32", total_price: "float64" },
    analytics: { clicks: "int32", impressions: "int32" },
  };
  return { ...bounded, url: `${data}/*.json`, format: { type: "json", schema } };
}

function csvOf(out: string): object {
  return { type: "files", from: "flat", url: `${out}/csv/`, format: { type: "csv" } };
}

function parquetOf(out: string): object {
  return { type: "files", from: "windows", url: `${out}/parquet/`, format: { type: "parquet" } };
}

function runOf(out: string, name: string): object {
  return { trigger: "available-now", checkpoint: `${out}/.checkpoint-${name}` };
}

function bothSpec(data: string, out: string): Spec {
  return {
    name: "clickstream",
    sources: { clicks: clicksOf(data) },
    transforms: { flat: { type: "flatten", from: "clicks", names: "leaf", watermark }, windows: aggregate },
    sinks: { csv: csvOf(out), parquet: parquetOf(out) },
    run: runOf(out, "both"),
  };
}

function flatSpec(data: string, out: string): Spec {
  return {
    name: "clickstream-flat",
    sources: { clicks: clicksOf(data) },
    transforms: { flat: { type: "flatten", from: "clicks", names: "leaf" } },
    sinks: { csv: csvOf(out) },
    run: runOf(out, "flat"),
  };
}

function windowsSpec(out: string): Spec {
  const schema = {
    datetime: "timestamp",
    quantity: "int32",
    total_price: "float64",
    clicks: "int32",
    impressions: "int32",
  };
  return {
    name: "clickstream-windows",
    sources: { flat: { ...bounded, url: `${out}/csv/*.csv`, watermark, format: { type: "csv", schema } } },
    transforms: { windows: aggregate },
    sinks: { parquet: parquetOf(out) },
    run: runOf(out, "windows"),
  };
}

/** The answer with the sums over the windows that lie in a folder. */
function withSums(out: string): (answer: Answer) => Answer {
  return withPrinted(peer("streams", "sums", join(out, "parquet")));
}
