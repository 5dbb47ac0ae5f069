import { atMostSeconds, sameNumber, timesFaster } from "../judge.ts";
import { granuleDirectory, kernel, ours, peer } from "../places.ts";
import type { Scenario } from "../scenario.ts";
import { kernelGlm } from "./kernel-glm.ts";

const one = "Sferic, one table per call";
const inRust = "kernel-netcdf, one core";

/** All three tables of a granule. */
export const glmAll: Scenario = {
  name: "glm-all",
  summary:
    "Decode flashes, groups and events with every variable, seven real granules, seconds per granule on one core. h5wasm only reads what is stored.",
  repetitions: 9,
  warmUps: 1,
  prepare: async (size) => {
    const rounds = String(size === "full" ? 10 : 1);
    return {
      contenders: [
        { name: one, command: ours("glm", "all", "one", granuleDirectory, rounds) },
        kernelGlm(inRust, kernel("kernel-netcdf", granuleDirectory), "all tables: every variable"),
        { name: "netCDF4", command: peer("glm", "netcdf4", "all", granuleDirectory, rounds) },
        { name: "h5py", command: peer("glm", "h5py", "all", granuleDirectory, rounds) },
        { name: "h5wasm", command: ours("h5wasm", granuleDirectory, rounds) },
      ],
      checks: [
        sameNumber("rows", [one, inRust, "netCDF4", "h5py", "h5wasm"]),
        ...["latitudes", "longitudes", "joules", "secondsOfTime"].map((sum) => sameNumber(sum, [one, "h5py"], 1e-9)),
      ],
      requirements: [atMostSeconds(one, 3e-4), atMostSeconds(inRust, 3e-4), timesFaster(one, "h5py", 1)],
    };
  },
};
