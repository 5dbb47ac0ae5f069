import { atMostSeconds, sameNumber, timesFaster } from "../judge.ts";
import { granuleDirectory, kernel, ours, peer } from "../places.ts";
import type { Scenario } from "../scenario.ts";
import { kernelGlm } from "./kernel-glm.ts";

const one = "Sferic, one granule per call";
const many = "Sferic, 63 granules per call, all cores";
const inRust = "kernel-netcdf, one core";

/** The flash table of a granule, from the file to numbers with a meaning. */
export const glmFlashes: Scenario = {
  name: "glm-flashes",
  summary:
    "Decode the flash table, seven real granules, seconds per granule. Sferic gives all its columns, the peers seven.",
  repetitions: 15,
  warmUps: 1,
  prepare: async (size) => {
    const rounds = size === "full" ? { ours: "200", peers: "10" } : { ours: "20", peers: "1" };
    return {
      contenders: [
        { name: one, command: ours("glm", "flashes", "one", granuleDirectory, rounds.ours) },
        { name: many, command: ours("glm", "flashes", "many", granuleDirectory, rounds.ours) },
        kernelGlm(
          inRust,
          kernel("kernel-netcdf", granuleDirectory),
          "flashes: id, time, lat, lon, energy, area, quality",
        ),
        { name: "h5py", command: peer("glm", "h5py", "flashes", granuleDirectory, rounds.peers) },
        { name: "netCDF4", command: peer("glm", "netcdf4", "flashes", granuleDirectory, rounds.peers) },
      ],
      checks: [
        sameNumber("rows", [one, many, inRust, "h5py", "netCDF4"]),
        ...["latitudes", "longitudes", "joules", "secondsOfTime"].map((sum) =>
          sameNumber(sum, [one, many, "h5py"], 1e-9),
        ),
      ],
      requirements: [atMostSeconds(many, 1e-4), atMostSeconds(inRust, 1e-4), timesFaster(one, "h5py", 1)],
    };
  },
};
