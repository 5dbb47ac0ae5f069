import { glob, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { registry } from "@sferic/catalog";
import { runPipeline } from "@sferic/engine";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { beforeAll, expect, onTestFinished, test } from "vitest";

let template: object;

beforeAll(async () => {
  const path = join(import.meta.dirname, "../../cli/templates/satellite-means/pipeline.json");
  template = JSON.parse(await readFile(path, "utf8")) as object;
});

const startMs = Date.parse("2026-01-01T00:00:00Z");

/** Three satellites, an event every second in turn; every value is the number of the event. */
const events = {
  name: "events",
  sources: {
    counted: {
      type: "generate",
      rows: 600,
      columns: {
        satellite_name: "'sat' || (index % 3)",
        timestamp_ns: `${startMs}000000 + index * 1000000000`,
        ...Object.fromEntries(
          ["temp_c", "battery_charge_pct", "altitude_km", "sensor1", "sensor2", "sensor3"].map((name) => [
            name,
            "CAST(index AS DOUBLE)",
          ]),
        ),
      },
    },
  },
  sinks: { raw: { type: "delta", from: "counted", url: "./data/delta-tables/satellite-data-raw" } },
};

async function run(folder: string, spec: object, parameters: Readonly<Record<string, string>> = {}): Promise<void> {
  const { state, error } = await runPipeline(spec, { file: join(folder, "pipeline.json"), registry, parameters });
  expect({ state, error }).toEqual({ state: "succeeded", error: undefined });
}

test("means of a Delta table are those of its events, and a later run replaces them", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sferic-satellites-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await run(folder, events);
  await run(folder, template);
  // 20 events of each minute are a satellite's: of the first minute 0, 3 … 57, whose mean is 28.5.
  const expected = Array.from({ length: 10 }, (_, minute) =>
    [0, 1, 2].map((satellite) => [`sat${satellite}`, startMs + 60_000 * minute, 20, 28.5 + satellite + 60 * minute]),
  ).flat();
  expect(await means(folder)).toEqual(expected);
  expect(await readFile(join(folder, "data/satellites.html"), "utf8")).toContain("600 rows, satellite_name: 3");
  expect((await stat(join(folder, "data/satellites-series.png"))).size).toBeGreaterThan(10_000);
  await run(folder, template, { window: "10 minutes" });
  expect((await means(folder)).map(([name, , samples]) => [name, samples])).toEqual([
    ["sat0", 200],
    ["sat1", 200],
    ["sat2", 200],
  ]);
});

/** Satellite, start of the window, number of samples and mean temperature, by time. */
async function means(folder: string): Promise<[name: string, startMs: number, samples: number, temp: number][]> {
  const paths = await Array.fromAsync(glob("data/means/*.parquet", { cwd: folder }));
  expect(paths).toHaveLength(1);
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(join(folder, paths[0]!)), compressors });
  return rows
    .map((row): [string, number, number, number] => [
      String(row["satellite_name"]),
      Number(row["window_start"]),
      Number(row["samples"]),
      Number(row["temp_c"]),
    ])
    .toSorted((a, b) => a[1] - b[1] || a[0].localeCompare(b[0]));
}
