import { granulePipeline } from "../granule-pipeline.ts";
import { atMostSeconds, sameNumber, timesFaster } from "../judge.ts";
import { peer, sferic, wholeProcess } from "../places.ts";
import type { Answer, Scenario } from "../scenario.ts";

const plain = "sferic run";
const durable = "sferic run, with a checkpoint";
const peers = ["seed", "h5py"] as const;

/** Granules to files by a command, from its start to its end. */
export const granules180Process: Scenario = {
  name: "granules-180-process",
  summary: "180 granules → flashes → Parquet + CSV, the whole process from its start to its end.",
  repetitions: 9,
  warmUps: 1,
  prepare: async (size) => {
    const { granules, spec, durableSpec, out, durableOut, peerOut } = await granulePipeline(size);
    const run = (file: string): string[] => [...sferic, "run", file, "--json"];
    return {
      contenders: [
        { name: plain, command: wholeProcess(out, run(spec)), interpret: withRowsRead },
        { name: durable, command: wholeProcess(durableOut, run(durableSpec)), interpret: withRowsRead },
        ...peers.map((way) => ({
          name: way,
          command: wholeProcess("", peer("granules", way, granules, peerOut(way), "once")),
          interpret: withRows,
          ...(way === "h5py" ? {} : { repetitionsMax: 5 }),
        })),
      ],
      checks: [sameNumber("rows", [plain, durable, ...peers])],
      requirements: [atMostSeconds(plain, 0.6), timesFaster(plain, "h5py", 1)],
    };
  },
};

function withRowsRead(answer: Answer): Answer {
  const { rows } = JSON.parse(String(answer["output"])) as { rows: { read: number } };
  return { ...answer, rows: rows.read };
}

function withRows(answer: Answer): Answer {
  return { ...answer, ...(JSON.parse(String(answer["output"])) as { rows: number }) };
}
