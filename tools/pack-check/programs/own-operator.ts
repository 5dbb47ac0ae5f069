import { registryWith } from "@sferic/catalog";
import { runPipeline } from "@sferic/engine";
import { column, defineTransform } from "@sferic/operator";
import { tableFromArrays } from "apache-arrow";
import { z } from "zod";

const distance = defineTransform({
  type: "distance",
  since: "1.0.0",
  status: "experimental",
  summary: "Add the distance in degrees to a place.",
  needs: "batch",
  config: z.strictObject({
    longitude: z.number().describe("Degrees east."),
    latitude: z.number().describe("Degrees north."),
  }),
  errors: [],
  examples: [{ title: "From Miami", data: "glm-minute", config: { longitude: -80.2, latitude: 25.8 } }],
  output: ({ main }) => ({ main: main!.append(column("distance", "float64", { nullable: true, unit: "degree" })) }),
  create: (place) => ({
    async *apply(batches) {
      for await (const batch of batches) {
        const longitudes = batch.column("flash_lon").values as Float64Array;
        const latitudes = batch.column("flash_lat").values as Float64Array;
        const values = longitudes.map((lon, row) =>
          Math.hypot(lon - place.longitude, latitudes[row]! - place.latitude),
        );
        const rows = batch.toArrow();
        batch.close();
        yield rows.assign(tableFromArrays({ distance: values }));
      }
    },
  }),
});

const spec = {
  name: "near-miami",
  sources: { flashes: { type: "files", url: "./data/*.nc", format: { type: "glm", table: "flashes" } } },
  transforms: {
    distances: { type: "distance", from: "flashes", longitude: -80.2, latitude: 25.8 },
    near: { type: "filter", from: "distances", where: "distance < 30" },
  },
  sinks: { parquet: { type: "files", from: "near", url: "./out/", format: { type: "parquet" } } },
};

const result = await runPipeline(spec, { registry: registryWith(distance) });
console.log(JSON.stringify(result, null, 2));
if (result.state !== "succeeded") process.exitCode = 1;
