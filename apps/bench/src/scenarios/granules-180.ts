import { granulePipeline } from "../granule-pipeline.ts";
import { atMostSeconds, sameNumber, timesFaster } from "../judge.ts";
import { ours, peer } from "../places.ts";
import type { Scenario } from "../scenario.ts";

const plain = "Sferic";
const durable = "Sferic, with a checkpoint";
const peers = ["seed", "xarray", "h5py"] as const;

/** Granules to files inside a process that is running already. */
export const granules180: Scenario = {
  name: "granules-180",
  summary:
    "180 granules → flashes → Parquet + CSV, in process, modules loaded. Sferic flushes its files to the disk, the peers do not.",
  repetitions: 9,
  warmUps: 4,
  prepare: async (size) => {
    const { granules, spec, durableSpec, out, durableOut, peerOut } = await granulePipeline(size);
    return {
      contenders: [
        { name: plain, command: ours("pipeline", spec, out, "read") },
        { name: durable, command: ours("pipeline", durableSpec, durableOut, "read") },
        ...peers.map((way) => ({
          name: way,
          command: peer("granules", way, granules, peerOut(way)),
          ...(way === "h5py" ? {} : { repetitionsMax: 5 }),
        })),
      ],
      checks: [sameNumber("rows", [plain, durable, ...peers])],
      requirements: [atMostSeconds(plain, 0.08), timesFaster(plain, "h5py", 1)],
    };
  },
};
