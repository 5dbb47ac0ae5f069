import { decodeNetcdf, netcdfSchema } from "@sferic/bindings/netcdf";
import { defineFormat } from "@sferic/operator";
import { z } from "zod";
import { decodedOutputs } from "./decoded-outputs.ts";

const config = z.strictObject({
  dimension: z
    .string()
    .optional()
    .describe("The dimension whose variables become columns; may be left out when only one has variables."),
  variables: z
    .array(z.string())
    .min(1)
    .optional()
    .describe(
      "Variables to read; all along the dimension when left out. Each value of `_FillValue` and `missing_value` is null; `valid_range` is not applied. A time whose `units` name no date of their calendar makes the file invalid.",
    ),
  constants: z.array(z.string()).default([]).describe("Scalar variables and global attributes to repeat in every row."),
});

/** Any NetCDF-4 file that follows the CF conventions: the variables along one dimension, scaled, times decoded. */
export const netcdf = defineFormat({
  type: "netcdf",
  since: "0.1.0",
  status: "stable",
  summary: "Variables of a CF NetCDF-4 file along one dimension.",
  config,
  errors: [],
  examples: [{ title: "All variables per flash", config: { dimension: "number_of_flashes" } }],
  create: (c) => ({
    ending: "nc",
    probe: (file) => netcdfSchema(file, c),
    decode: (files, signal) => decodedOutputs(decodeNetcdf(files, c, signal)),
  }),
});
