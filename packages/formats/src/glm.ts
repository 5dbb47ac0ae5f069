import { decodeGlm, glmSchema } from "@sferic/bindings/netcdf";
import { defineFormat } from "@sferic/operator";
import { z } from "zod";
import { decodedOutputs } from "./decoded-outputs.ts";

const config = z.strictObject({
  table: z
    .enum(["flashes", "groups", "events"])
    .default("flashes")
    .describe(
      "Which of the granule's tables to read. Time offsets are signed or unsigned by which puts more of them into the time that the granule covers, whatever `_Unsigned` says.",
    ),
  longitude: z
    .enum(["wrapped", "unwrapped"])
    .default("wrapped")
    .describe("`wrapped`: -180 to 180 degrees. `unwrapped`: continuous around the satellite, past the date line."),
});

/** Granules of the Geostationary Lightning Mapper, level 2 (NOAA GOES-R product GLM-L2-LCFA), one file per 20 seconds. */
export const glm = defineFormat({
  type: "glm",
  since: "0.1.0",
  status: "stable",
  summary: "Lightning flashes, groups or events of a GOES-R GLM granule (NetCDF-4).",
  config,
  errors: [],
  examples: [{ title: "Flashes", config: { table: "flashes" } }],
  create: (c) => ({
    ending: "nc",
    schema: glmSchema(c.table),
    decode: (files, signal) => decodedOutputs(decodeGlm(files, c, signal)),
  }),
});
