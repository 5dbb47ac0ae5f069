import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Batch, ConfigError, defineSink, type Inputs, type Json, type Sink } from "@sferic/operator";
import { z } from "zod";
import { choiceProblems, pointProblems, seriesProblems } from "./report/accept.ts";
import { ChoiceCollector } from "./report/choice.ts";
import { reportNames } from "./report/names.ts";
import type { Contents } from "./report/scene.ts";
import { PointCollector } from "./report/points.ts";
import { LineCollector, type Series } from "./report/series.ts";
import { Staging, stagingOwner, type StagedFile } from "./staging.ts";
import { titleOf } from "./report/wording.ts";

const config = z.strictObject({
  path: z
    .string()
    .regex(/[^/]\.html$/, { message: 'must name an HTML file, such as "./out/report.html"' })
    .describe(
      "The page to write; pictures go beside it as `<name>-map.png`, `<name>-elbow.png`, `<name>-silhouette.png`, `<name>-series.png` and `<name>.gif`.",
    ),
  title: z.string().min(1).optional().describe("Heading of the page and pictures; the pipeline's name by default."),
  longitude: z
    .string()
    .default("flash_lon")
    .describe("Column of `points` with degrees east; values past ±180 are understood."),
  latitude: z.string().default("flash_lat").describe("Column of `points` with degrees north."),
  label: z.string().default("cluster").describe("Integer column of `points` that colours them; null means no cluster."),
  time: z
    .string()
    .default("flash_time")
    .describe("Column of `points` with a timestamp or date; nothing depends on it when there is no such column."),
  pointsMax: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(50_000)
    .describe("Points drawn; of more, a random sample is drawn, while sizes and centroids count all."),
  seed: z.int().min(0).default(0).describe("The same seed and rows give the same sample."),
  series: z
    .strictObject({
      time: z.string().min(1).describe("Column with a timestamp or date."),
      by: z
        .string()
        .min(1)
        .optional()
        .describe(
          "Column whose values are told apart, such as the name of a sensor; the reader of the page chooses one.",
        ),
      values: z.array(z.string().min(1)).min(1).max(12).describe("Columns of numbers; each has a panel."),
      namesMax: z
        .int()
        .min(1)
        .max(200)
        .default(12)
        .describe("Values of `by` that are drawn; of more, the first by name, where numbers count as numbers."),
      samplesMax: z
        .int()
        .min(10)
        .max(100_000)
        .default(2000)
        .describe("Rows drawn for each of them; of more, a random sample."),
    })
    .optional()
    .describe("Columns of `samples` and `means` to draw over time."),
});

type Config = z.output<typeof config>;

/**
 * A self-contained HTML page with a map of clustered points, the elbow and silhouette curves of `select-k`, PNG files
 * of all three, and a GIF over time when the points span several hours; or with values over time, a panel for each, of
 * the name that its reader chooses, and as small multiples in a PNG file. Each epoch replaces the report of the one
 * before. Memory: 40 bytes per drawn point, 8 per drawn value over time, a sum per cluster and hour, the names, and the
 * pixels of the pictures being drawn.
 */
export const report = defineSink({
  type: "report",
  since: "0.1.0",
  status: "stable",
  summary: "Draw clustered points on a map, with the curves that choose the number of clusters, or values over time.",
  config,
  inputs: {
    points: "Rows to draw: longitude, latitude, a cluster label and, where there is one, a time.",
    choice: "Optional: the rows of `select-k`, drawn as elbow and silhouette curves.",
    samples: "Instead of points or beside them: rows to draw over time, with the columns of `series`.",
    means: "Optional: fewer rows with the same columns, such as means, drawn over the samples.",
  },
  optionalInputs: ["points", "choice", "samples", "means"],
  delivery: {
    guarantee: "exactly-once",
    why: "Files are staged beside the target and renamed into place; renaming again changes nothing.",
  },
  errors: ["staged-missing", "not-a-folder", "disk-full", "permission-denied"],
  examples: [
    { title: "Flashes by cluster", data: "glm-minute", config: { path: "./out/report.html", label: "quality_flag" } },
    {
      title: "Energy and area over time, for each quality",
      data: "glm-minute",
      config: {
        path: "./out/report.html",
        label: "quality_flag",
        series: { time: "flash_time", by: "quality_flag", values: ["flash_energy", "flash_area"] },
      },
    },
  ],
  outputs: (c, context) => {
    const path = context.resolvePath(c.path);
    return Object.values(reportNames(path)).map((name) => ({ path: join(dirname(path), name), pointer: "/path" }));
  },
  accept: (inputs, columns) => {
    const points = inputs["points"] ?? inputs["main"];
    const problems = [
      ...(points === undefined && inputs["samples"] !== undefined ? [] : pointProblems(points, columns)),
      ...choiceProblems(inputs["choice"]),
      ...seriesProblems(inputs, columns.series),
    ];
    if (problems.length > 0) throw new ConfigError(problems);
  },
  create: (settings, context): Sink => {
    const path = context.resolvePath(settings.path);
    const names = reportNames(path);
    const staging = new Staging(dirname(path), stagingOwner(context));
    return {
      async stage(batches, epoch, inputs) {
        const contents = await contentsOf(settings, batches, inputs, epoch.signal);
        const rows = contents.points.rowCount + (contents.series?.samples.rowCount ?? 0);
        // An empty first epoch is worth a page that says so; a later one must not replace a report by nothing.
        if (rows === 0 && epoch.id > 0) return null;
        const { renderReport } = await import("./report/render.ts");
        const title = settings.title ?? titleOf(context.pipeline);
        const files = await renderReport(title, names, contents, epoch.signal);
        return { rows, record: { files: await staging.write(epoch.id, files) } as unknown as Json };
      },
      async publish(staged, epoch) {
        const { files } = staged.record as unknown as { files: StagedFile[] };
        const published = await staging.publish(epoch.id, files, true);
        const obsolete = Object.values<string>(names).filter((name) => files.every((file) => file.name !== name));
        await Promise.all(obsolete.map((name) => rm(join(dirname(path), name), { force: true })));
        await staging.close();
        return { files: published };
      },
      discard: async (epoch) => {
        await staging.discard(epoch);
        await staging.close();
      },
    };
  },
});

/** Reads all inputs beside each other. */
async function contentsOf(
  settings: Config,
  batches: AsyncIterable<Batch>,
  inputs: Inputs,
  signal: AbortSignal,
): Promise<Contents> {
  const { pointsMax, seed, series } = settings;
  const points = new PointCollector(settings, pointsMax, seed);
  const choice = new ChoiceCollector();
  const [samples, means] = series === undefined ? [] : [lines(series, seed), lines(series, seed)];
  const hasPoints = inputs["points"] !== undefined || inputs["samples"] === undefined;
  await Promise.all([
    drain(inputs["points"] ?? (hasPoints ? batches : []), points, signal),
    drain(inputs["choice"] ?? [], choice, signal),
    ...(samples === undefined ? [] : [drain(inputs["samples"] ?? [], samples, signal)]),
    ...(means === undefined ? [] : [drain(inputs["means"] ?? [], means, signal)]),
  ]);
  const drawn: Series | undefined =
    series === undefined ? undefined : { columns: series, samples: samples!.finish(), means: means!.finish() };
  return { points: points.finish(), hasPoints, choice: choice.finish(), series: drawn };
}

function lines(series: NonNullable<Config["series"]>, seed: number): LineCollector {
  return new LineCollector(series, series, seed);
}

async function drain(
  batches: AsyncIterable<Batch> | Iterable<Batch>,
  collector: { add(batch: Batch): void | Promise<void> },
  signal: AbortSignal,
): Promise<void> {
  for await (const batch of batches) {
    try {
      signal.throwIfAborted();
      await collector.add(batch);
    } finally {
      batch.close();
    }
  }
}
