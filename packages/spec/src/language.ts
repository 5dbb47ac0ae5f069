import { durationField } from "@sferic/operator";
import { z } from "zod";
import { parameterTypes } from "./parameters.ts";

/** Names of operators, parameters and connections. */
export const idPattern = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/;

const count = z.int().min(1);

const bounds = {
  filesPerEpoch: count.optional().describe("Most files that an epoch takes."),
  rowsPerEpoch: count.optional().describe("Most rows that an epoch takes; not for files, which are taken whole."),
  bytesPerEpoch: count.optional().describe("Most bytes that an epoch takes."),
};

const watermark = z
  .strictObject({
    column: z.string().min(1).describe("Column of the event time."),
    delay: durationField.describe("How far the watermark stays behind the largest event time seen."),
    futureSkewMax: durationField.optional().describe("Rows stamped further ahead of the clock than this are invalid."),
    idleAfter: durationField.optional().describe("A source silent for this long no longer holds the watermark back."),
  })
  .optional()
  .describe("Event time, and how long late rows are waited for.");

const connection = z.string().optional().describe('Key in "connections".');

const read = z.union([z.string(), z.array(z.string()).min(1)]);

const from = z
  .union([z.string(), z.array(z.string()).min(1), z.record(z.string(), read)])
  .describe('What it reads: an operator\'s id, "id.port", a list of them, or an object of named inputs.');

const type = z.string().describe("Name of the operator type.");

/** The fields of an operator that belong to the language; all others are the operator's own. */
export const envelopes = {
  source: z.object({
    type,
    connection,
    ...bounds,
    watermark,
    role: z
      .literal("reference")
      .optional()
      .describe("Read whole in every epoch, to look things up in, instead of as a stream."),
  }),
  transform: z.object({ type, from, watermark }),
  sink: z.object({
    type,
    from,
    connection,
    outputMode: z
      .enum(["append", "update", "complete"])
      .optional()
      .describe("Which rows of a windowed result an epoch writes; append by default."),
  }),
};

/** Kinds of operators that a spec holds, with the field that holds them. */
export const sections = { source: "sources", transform: "transforms", sink: "sinks" } as const;

export type SectionKind = keyof typeof sections;

const operators = z.record(z.string(), z.looseObject({}));

const run = z.strictObject({
  trigger: z
    .union([z.enum(["once", "available-now"]), z.strictObject({ everyMs: count.describe("Milliseconds.") })])
    .optional()
    .describe("One epoch with all there is, bounded epochs up to what is there now, or epochs at an interval."),
  checkpoint: z.string().min(1).optional().describe("Folder of the checkpoint, relative to the spec."),
  seed: z.int().min(0).optional().describe("For every random choice; 0 by default."),
  onEnd: z
    .enum(["hold", "flush"])
    .optional()
    .describe("Whether windows still open at the end wait for the next run (the default) or close."),
  invalidRatioMax: z.number().min(0).max(1).optional().describe("Stop when a larger share of the input is invalid."),
  memoryBytesMax: z
    .int()
    .min(33_554_432)
    .optional()
    .describe("Bytes that relational work may hold before it spills to disk; 1 GiB by default."),
  tempDirectory: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Folder for temporary files, relative to the spec; the checkpoint's or the system's by default. `SFERIC_TEMP_DIR` wins.",
    ),
  ...bounds,
});

const rows = z.record(z.string(), z.array(z.record(z.string(), z.unknown())));

const testEpoch = {
  at: z.iso
    .datetime({ offset: true })
    .optional()
    .describe("What the clock shows, such as 2026-01-01T00:00:00Z; by default what it showed, or one interval later."),
  given: rows.optional().describe("Rows by source."),
  expect: rows.optional().describe('Rows by operator, or "id.port".'),
};

/** The language without what the operators add. */
export const specSchema = z.strictObject({
  $schema: z.string().optional().describe("JSON Schema for editors."),
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, {
      message: "must be 1 to 63 lower-case letters, digits and hyphens, and not begin with a hyphen",
    })
    .describe("Name of the pipeline."),
  parameters: z
    .record(
      z.string(),
      z.strictObject({
        type: z.enum(parameterTypes).describe("What kind of value it takes."),
        default: z.union([z.string(), z.number(), z.boolean()]).optional().describe("Value when none is given."),
        description: z.string().optional().describe("What it is for."),
      }),
    )
    .optional()
    .describe("Values given at the start of a run, used as ${param:name}."),
  connections: z
    .record(z.string(), z.looseObject({ type: z.string().describe("Kind of connection, such as s3 or kafka.") }))
    .optional()
    .describe("Outside systems that sources and sinks name."),
  sources: operators.describe("Where rows come from, by id."),
  transforms: operators.optional().describe("What happens to them, by id."),
  sinks: operators.describe("Where they go, by id."),
  run: run.optional().describe("How the pipeline runs."),
  plugins: z
    .array(z.string().min(1))
    .optional()
    .describe('Modules that export operators: package names, or paths from the spec such as "./hail.ts".'),
  schedule: z
    .strictObject({
      cron: z.string().describe("Minute, hour, day, month and weekday, as in crontab."),
      timeZone: z
        .string()
        .refine(isTimeZone, { message: 'must be an IANA time zone, such as "Europe/Berlin"' })
        .optional()
        .describe("IANA time zone; UTC by default."),
    })
    .optional()
    .describe("When a server starts runs."),
  tests: z
    .array(
      z
        .strictObject({
          name: z.string().min(1).describe("What it shows."),
          ...testEpoch,
          epochs: z.array(z.strictObject(testEpoch)).min(1).optional().describe("Epochs in their order."),
        })
        .refine(
          ({ expect, epochs = [] }) => expect !== undefined || epochs.some((epoch) => epoch.expect !== undefined),
          'needs "expect": the rows by operator that make it pass',
        ),
    )
    .optional()
    .describe("Tests of this pipeline."),
});

function isTimeZone(name: string): boolean {
  // A DateTimeFormat takes tens of milliseconds to start; only old names such as "US/Pacific" need it.
  if (name === "UTC" || Intl.supportedValuesOf("timeZone").includes(name)) return true;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
