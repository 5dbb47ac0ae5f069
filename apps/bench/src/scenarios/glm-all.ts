import { availableParallelism } from "node:os";
import { atMostSeconds, sameNumber, timesFaster } from "../judge.ts";
import { granuleDirectory, kernel, library, ours, peer } from "../places.ts";
import type { Scenario } from "../scenario.ts";
import { kernelGlm } from "./kernel-glm.ts";

const one = "Sferic, one table per call";
const many = "Sferic, 63 granules per call, seconds of a core";
const inRust = "kernel-netcdf, one core";

/** All three tables of a granule. */
export const glmAll: Scenario = {
  name: "glm-all",
  summary:
    "Decode flashes, groups and events with every variable, seven real granules, seconds per granule on one core. h5wasm only reads what is stored.",
  repetitions: 9,
  warmUps: 1,
  prepare: async (size) => {
    const rounds = size === "full" ? { ours: "60", peers: "5" } : { ours: "6", peers: "1" };
    return {
      contenders: [
        { name: one, command: ours("glm", "all", "one", granuleDirectory, rounds.ours) },
        {
          name: many,
          command: ours("glm", "all", "many", granuleDirectory, rounds.ours),
          interpret: (answer) => ({ ...answer, seconds: answer.seconds * availableParallelism() }),
        },
        kernelGlm(inRust, kernel("kernel-netcdf", granuleDirectory), "all tables: every variable"),
        { name: "netCDF4", command: peer("glm", "netcdf4", "all", granuleDirectory, rounds.peers) },
        { name: "h5py", command: peer("glm", "h5py", "all", granuleDirectory, rounds.peers) },
        { name: "h5wasm", command: library("h5wasm", granuleDirectory, rounds.peers) },
      ],
      checks: [
        sameNumber("rows", [one, many, inRust, "netCDF4", "h5py", "h5wasm"]),
        ...["latitudes", "longitudes", "joules", "secondsOfTime"].map((sum) =>
          sameNumber(sum, [one, many, "h5py"], 1e-9),
        ),
      ],
      requirements: [atMostSeconds(inRust, 3e-4), timesFaster(one, "h5py", 1)],
    };
  },
};
