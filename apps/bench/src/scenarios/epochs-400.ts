import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { epochContender, epochSecondsMax } from "../epoch-pipeline.ts";
import { atMostSeconds, lastNumber, sameNumber, timesFaster } from "../judge.ts";
import { isThere, peer, workDirectory } from "../places.ts";
import type { Contender, Requirement, Scenario } from "../scenario.ts";

const node = "Sferic, 400 epochs";
const endless = "Sferic, 10,000 epochs";
const spark = "Spark, 40 epochs";
const filesPerEpoch = 5;
const out = join(workDirectory, "out");

/** Many small files, few to an epoch: what an epoch costs that has next to nothing to do, and whether that grows. */
export const epochs400: Scenario = {
  name: "epochs-400",
  summary:
    "One epoch of 5 JSON files of 10 rows through a filter to Parquet under a checkpoint, every record and file flushed to the disk by Sferic; the mean of all epochs.",
  repetitions: 5,
  warmUps: 0,
  prepare: async (size) => {
    const scale = size === "full" ? 1 : 20;
    const counts = { [node]: 400 / scale, [endless]: 10_000 / scale, [spark]: 40 / scale };
    return {
      contenders: [
        await ourSide(node, counts[node]!),
        { ...(await ourSide(endless, counts[endless]!)), repetitionsMax: 1 },
        await sparkSide(counts[spark]!),
      ],
      checks: [sameNumber("rowsPerEpoch", [node, endless, spark])],
      requirements: [
        atMostSeconds(node, epochSecondsMax),
        atMostSeconds(endless, epochSecondsMax),
        flat(endless),
        timesFaster(node, spark, 10),
      ],
    };
  },
};

async function ourSide(name: string, epochs: number): Promise<Contender> {
  const folder = await epochFiles(epochs);
  const own = join(out, `epochs-${epochs}`);
  return epochContender(name, folder, own, specOf(folder, own), epochs);
}

async function sparkSide(epochs: number): Promise<Contender> {
  const folder = await epochFiles(epochs);
  const command = peer("streams", "epochs", join(folder, "in"), join(out, "epochs-spark"), String(epochs));
  return { name: spark, command, repetitionsMax: 2 };
}

/** The folder with the input of so many epochs; made if need be. */
async function epochFiles(epochs: number): Promise<string> {
  const folder = join(workDirectory, `epochs-${epochs}`);
  const pathOf = (file: number): string => join(folder, "in", `${String(file).padStart(5, "0")}.json`);
  const count = epochs * filesPerEpoch;
  if (isThere(pathOf(count - 1))) return folder;
  await mkdir(join(folder, "in"), { recursive: true });
  for (let file = 0; file < count; file++) {
    const rows = Array.from({ length: 10 }, (_, row) => JSON.stringify({ k: row % 7, v: row / 2 }));
    await writeFile(pathOf(file), `${rows.join("\n")}\n`);
  }
  return folder;
}

/** The last hundred epochs of a run against its first hundred, median to median. */
function flat(contender: string): Requirement {
  return {
    name: `${contender}, the last hundred against the first`,
    bound: "at most",
    limit: 1.25,
    unit: "×",
    measured: (answers) => lastNumber(answers, contender, "last") / lastNumber(answers, contender, "first"),
  };
}

function specOf(folder: string, written: string): object {
  const format = { type: "json", schema: { k: "int32", v: "float64" } };
  return {
    name: "epochs",
    sources: { rows: { type: "files", url: `${folder}/in/*.json`, format, filesPerEpoch } },
    transforms: { kept: { type: "filter", from: "rows", where: "v > 1" } },
    sinks: { lake: { type: "files", from: "kept", url: `${written}/`, format: { type: "parquet" } } },
    run: { trigger: "available-now", checkpoint: `${written}/.checkpoint` },
  };
}
