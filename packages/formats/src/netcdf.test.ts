import { describeFormat, granuleFolder, smallGranule } from "@sferic/testkit";
import { netcdf } from "./netcdf.ts";

describeFormat({
  definition: netcdf,
  types: [],
  sample: `${granuleFolder}${smallGranule}`,
  sampleConfig: { dimension: "number_of_flashes" },
});
