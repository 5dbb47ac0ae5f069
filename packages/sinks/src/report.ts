import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Batch, ConfigError, defineSink, type Json, type Sink } from "@sferic/operator";
import { z } from "zod";
import { choiceProblems, pointProblems } from "./report/accept.ts";
import { ChoiceCollector } from "./report/choice.ts";
import { reportNames } from "./report/names.ts";
import { PointCollector } from "./report/points.ts";
import { Staging, type StagedFile } from "./staging.ts";
import { titleOf } from "./report/wording.ts";

const config = z.strictObject({
  path: z
    .string()
    .regex(/[^/]\.html$/, { message: 'must name an HTML file, such as "./out/report.html"' })
    .describe(
      "The page to write; pictures go beside it as `<name>-map.png`, `<name>-elbow.png`, `<name>-silhouette.png` and `<name>.gif`.",
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
});

/**
 * A self-contained HTML page with a map of clustered points, the elbow and silhouette curves of `select-k`, PNG files
 * of all three, and a GIF over time when the points span several hours. Each epoch replaces the report of the one
 * before. Memory: 40 bytes per drawn point, a sum per cluster and hour, and the pixels of the pictures being drawn.
 */
export const report = defineSink({
  type: "report",
  since: "0.1.0",
  status: "stable",
  summary: "Draw clustered points on a map, with the curves that choose the number of clusters.",
  config,
  inputs: {
    points: "Rows to draw: longitude, latitude, a cluster label and, where there is one, a time.",
    choice: "Optional: the rows of `select-k`, drawn as elbow and silhouette curves.",
  },
  optionalInputs: ["choice"],
  delivery: {
    guarantee: "exactly-once",
    why: "Files are staged beside the target and renamed into place; renaming again changes nothing.",
  },
  errors: ["staged-missing", "not-a-folder", "disk-full", "permission-denied"],
  examples: [
    { title: "Flashes by cluster", data: "glm-minute", config: { path: "./out/report.html", label: "quality_flag" } },
  ],
  accept: (inputs, columns) => {
    const problems = [
      ...pointProblems(inputs["points"] ?? inputs["main"], columns),
      ...choiceProblems(inputs["choice"]),
    ];
    if (problems.length > 0) throw new ConfigError(problems);
  },
  create: (settings, context): Sink => {
    const path = context.resolvePath(settings.path);
    const names = reportNames(path);
    const staging = new Staging(dirname(path), `${context.pipeline}-${context.operatorId}`);
    return {
      async stage(batches, epoch, inputs) {
        const points = new PointCollector(settings, settings.pointsMax, settings.seed);
        const choice = new ChoiceCollector();
        await Promise.all([
          drain(inputs["points"] ?? batches, points, epoch.signal),
          drain(inputs["choice"] ?? [], choice, epoch.signal),
        ]);
        const gathered = points.finish();
        // An empty first epoch is worth a page that says so; a later one must not replace a report by nothing.
        if (gathered.rowCount === 0 && epoch.id > 0) return null;
        const { renderReport } = await import("./report/render.ts");
        const title = settings.title ?? titleOf(context.pipeline);
        const files = await renderReport(title, names, gathered, choice.finish(), epoch.signal);
        return { rows: gathered.rowCount, record: { files: await staging.write(epoch.id, files) } as unknown as Json };
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

async function drain(
  batches: AsyncIterable<Batch> | Iterable<Batch>,
  collector: { add(batch: Batch): void },
  signal: AbortSignal,
): Promise<void> {
  for await (const batch of batches) {
    try {
      signal.throwIfAborted();
      collector.add(batch);
    } finally {
      batch.close();
    }
  }
}
