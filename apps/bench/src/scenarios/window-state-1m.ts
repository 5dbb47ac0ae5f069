import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bytes, seconds } from "../figures.ts";
import { runCommand } from "../commands.ts";
import { answersOf, lastNumber, sameNumber } from "../judge.ts";
import { ours, peer, workDirectory } from "../places.ts";
import type { Answers, Requirement, Scenario } from "../scenario.ts";
import { median } from "../statistics.ts";

const node = "Sferic";
const peers = ["DuckDB", "Polars"] as const;
const bulkEpochs = 2;
const folder = join(workDirectory, "window-state");

/** Groups that outlive an epoch: how fast rows get into a million of them, and what an epoch costs that touches few. */
export const windowState1m: Scenario = {
  name: "window-state-1m",
  summary:
    "10,000,000 rows of Parquet into 1,000,000 groups of one open window, in two epochs under a checkpoint (the peers: one grouping in memory); then 200 epochs that touch 1,000 groups each.",
  repetitions: 3,
  warmUps: 1,
  prepare: async (size) => {
    const [rows, keys] = size === "full" ? [10_000_000, 1_000_000] : [500_000, 50_000];
    const data = join(folder, String(rows));
    await mkdir(folder, { recursive: true });
    await runCommand(peer("window_state", "make", data, String(rows), String(keys)));
    const out = join(workDirectory, "out/window-state");
    const spec = join(folder, `${rows}.json`);
    await writeFile(spec, JSON.stringify(specOf(data, out), null, 2));
    return {
      contenders: [
        {
          name: node,
          command: ours("window-state", spec, out, String(bulkEpochs)),
          interpret: (answer) => ({ ...answer, seconds: Number(answer["bulkSeconds"]) }),
        },
        ...peers.map((one) => ({ name: one, command: peer("window_state", one.toLowerCase(), data) })),
      ],
      checks: [
        sameNumber("groups", [node, ...peers]),
        {
          name: "state and epochs told",
          judge: (answers) => {
            const state = lastNumber(answers, node, "stateBytes");
            const found = `state ${bytes(state)}, epochs of 1,000 groups ${seconds(ofEpochs(answers, "epochMedianSeconds"))}, at most ${seconds(ofEpochs(answers, "epochMaxSeconds"))}`;
            return { holds: state > 0, found };
          },
        },
      ],
      requirements: [
        atMost(`${node}, at 2,000,000 rows a second`, rows / 2e6, "bulkSeconds"),
        atMost(`${node}, an epoch that touches 1,000 groups`, 0.02, "epochMedianSeconds"),
      ],
    };
  },
};

function atMost(name: string, limit: number, value: string): Requirement {
  return { name, bound: "at most", limit, unit: "s", measured: (answers) => ofEpochs(answers, value) };
}

/** Median over the repetitions. */
function ofEpochs(answers: Answers, value: string): number {
  return median(answersOf(answers, node).map((answer) => Number(answer[value])));
}

function specOf(data: string, out: string): object {
  const source = (part: string, filesPerEpoch: number): object => ({
    type: "files",
    url: `${data}/${part}/*.parquet`,
    filesPerEpoch,
    format: { type: "parquet" },
    watermark: { column: "at", delay: "1 hour" },
  });
  return {
    name: "window-state",
    sources: { bulk: source("bulk", 5), few: source("few", 1) },
    transforms: {
      rows: { type: "union", from: ["bulk", "few"] },
      sums: {
        type: "aggregate",
        from: "rows",
        window: { column: "at", size: "1 day" },
        groupBy: ["k"],
        measures: { n: "count(*)", v: "sum(v)", top: "max(v)" },
      },
    },
    sinks: { lake: { type: "files", from: "sums", url: `${out}/`, format: { type: "parquet" } } },
    run: { trigger: "available-now", checkpoint: `${out}/.checkpoint` },
  };
}
