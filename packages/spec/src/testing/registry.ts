import {
  type BatchFactory,
  createRegistry,
  defineFormat,
  defineSink,
  defineSource,
  defineTransform,
  durationField,
  formatField,
  type Registry,
} from "@sferic/operator";
import { z } from "zod";

const about = { since: "0.1.0", status: "stable", errors: [], examples: [] } as const;

function never(): never {
  throw new Error("A spec is only read here.");
}

const text = z.string().min(1);
const texts = z.array(text).min(1);

function source(type: string, config: z.ZodType): ReturnType<typeof defineSource> {
  return defineSource({ ...about, type, summary: `Source ${type}.`, config, output: never, create: never });
}

function transform(
  type: string,
  config: z.ZodType,
  ports: { inputs?: Record<string, string>; ports?: Record<string, string> } = {},
): ReturnType<typeof defineTransform> {
  const summary = `Transform ${type}.`;
  return defineTransform({ ...about, ...ports, type, summary, needs: "epoch", config, output: never, create: never });
}

function sink(
  type: string,
  config: z.ZodType,
  ports: { inputs?: Record<string, string> } = {},
): ReturnType<typeof defineSink> {
  const delivery = { guarantee: "exactly-once", why: "It is a double." } as const;
  return defineSink({ ...about, ...ports, type, summary: `Sink ${type}.`, delivery, config, create: never });
}

function format(type: string, config: z.ZodType): ReturnType<typeof defineFormat> {
  return defineFormat({ ...about, type, summary: `Format ${type}.`, config, create: never });
}

const counts = z.union([z.array(z.int().min(2)).min(1), z.strictObject({ from: z.int().min(2), to: z.int().min(2) })]);

const points = {
  columns: texts.describe("Numeric columns."),
  initializations: z.int().min(1).max(1000).default(10).describe("Independent starts."),
  iterationsMax: z.int().min(1).default(300),
  seed: z.int().default(0),
};

const field: z.ZodType = z.lazy(() => z.union([z.string(), z.record(z.string(), field)]));

/** Small doubles of the operators that the pipelines of the documentation use. */
export const definitions = [
  source(
    "files",
    z.strictObject({
      url: text.describe("Where the files are."),
      format: formatField.describe("What they hold."),
      partitions: z.strictObject({ range: z.array(z.string()).length(2) }).optional(),
    }),
  ),
  source(
    "kafka",
    z.strictObject({
      topic: text,
      startAt: z.enum(["earliest", "latest"]).default("latest"),
      format: formatField,
      metadata: z.record(z.string(), z.enum(["timestamp", "key", "partition", "offset", "headers"])).optional(),
    }),
  ),
  source("generate", z.strictObject({ rows: z.int().min(0), every: durationField.optional() })),
  transform("select", z.strictObject({ columns: z.record(z.string(), z.string()) })),
  transform("filter", z.strictObject({ where: text.describe("SQL expression.") }), { ports: { invalid: "Bad rows." } }),
  transform("flatten", z.strictObject({ names: z.enum(["leaf", "path"]).default("path") })),
  transform("deduplicate", z.strictObject({ keys: texts, withinWatermark: z.boolean().default(false) })),
  transform(
    "kmeans",
    z.strictObject({ ...points, clusterCount: z.int().min(1).max(4096).describe("Number of clusters.") }),
    { ports: { centroids: "One row per cluster." } },
  ),
  transform("select-k", z.strictObject({ ...points, clusterCounts: counts })),
  transform("join", z.strictObject({ on: texts, kind: z.enum(["inner", "left"]) }), {
    inputs: { left: "Rows to keep.", right: "Rows to look up." },
  }),
  transform(
    "aggregate",
    z.strictObject({
      groupBy: texts.optional(),
      measures: z.record(z.string(), z.string()),
      window: z.strictObject({ column: text, size: durationField, slide: durationField.optional() }).optional(),
    }),
    { ports: { late: "Late rows." } },
  ),
  sink("files", z.strictObject({ url: text, format: formatField, compression: z.string().optional() })),
  sink(
    "duckdb",
    z.strictObject({ path: text, table: text, write: z.enum(["append", "replace", "merge"]).default("append") }),
  ),
  sink(
    "bigquery",
    z.strictObject({
      table: text,
      write: z.enum(["append", "merge"]),
      keys: texts.optional(),
      partitionBy: z.string().optional(),
      clusterBy: texts.optional(),
    }),
  ),
  sink(
    "delta",
    z.strictObject({
      url: text,
      compression: z.enum(["snappy", "zstd"]).optional(),
      optimize: z.strictObject({ targetBytes: z.int().min(1) }).optional(),
    }),
  ),
  sink("report", z.strictObject({ path: text }), { inputs: { points: "Rows.", choice: "Result of select-k." } }),
  sink("console", z.strictObject({ formats: z.array(formatField).optional() })),
  format("glm", z.strictObject({ table: z.enum(["flashes", "groups", "events"]) })),
  format("parquet", z.strictObject({ compression: z.enum(["zstd", "snappy", "none"]).default("zstd") })),
  format("csv", z.strictObject({ header: z.boolean().default(true) })),
  format(
    "json",
    z.strictObject({
      layout: z.enum(["lines", "array"]).default("lines"),
      schema: z.record(z.string(), field).optional(),
    }),
  ),
  format("flatbuffers", z.strictObject({ schema: text, root: text })),
];

/** A registry of the doubles. */
export function doubles(): Registry {
  return createRegistry({} as BatchFactory, [], definitions);
}
