import { batches } from "@sferic/bindings/batch";
import { runQuery } from "@sferic/bindings/query";
import { quoted } from "@sferic/bindings/relational";
import {
  callable,
  checkedPorts,
  type Column,
  ConfigError,
  defineTransform,
  type PortSchemas,
  type Schema,
  type Streaming,
} from "@sferic/operator";
import { z } from "zod";
import { KeptKeys } from "./kept-keys.ts";
import { freeName, knownRows } from "./known-rows.ts";
import { perSchema } from "./per-schema.ts";
import { plainColumns } from "./plain-columns.ts";
import { stateBytesMaxField } from "./remembering.ts";

const config = z.strictObject({
  keys: z.array(z.string()).min(1).describe("Columns that tell rows apart; null equals null, and NaN equals NaN."),
  withinWatermark: z
    .boolean()
    .default(false)
    .describe("Whether a row passes again once the watermark has passed the time of the one before by its delay."),
  stateBytesMax: stateBytesMaxField,
});

type Config = z.output<typeof config>;

/**
 * Keeps the first row, in input order, of all rows of an epoch that are equal in some columns. The order stays. Memory holds
 * the rows that are kept, and beyond its limit the disk. Equal rows of different epochs all pass, which the check of a stream
 * warns of, unless an event time is declared.
 *
 * Where an event time is declared upstream, the first row of all epochs is kept. A row is late when the watermark has
 * passed its time. Keys are remembered in memory and in the checkpoint: with `withinWatermark` until the watermark passes the
 * time of their row plus its delay; with the event time among the keys until it passes that time; otherwise for ever.
 */
export const deduplicate = callable(
  defineTransform({
    type: "deduplicate",
    since: "0.1.0",
    status: "stable",
    summary: "Keep the first of the rows that are equal in some columns.",
    needs: "epoch",
    ports: {
      late: "Rows whose time the watermark has passed.",
      invalid: "Rows without event time; with `withinWatermark` only.",
    },
    config,
    output: ({ main }, c, { streaming }) =>
      checkedPorts(
        portSchemas(main!, streaming),
        () => main!.require(c.keys, "any", "/keys"),
        () => checkEventTime(main!, c, streaming),
      ),
    missesAcrossEpochs: (_, eventTime) =>
      eventTime === undefined
        ? 'equal rows of different epochs all pass. Declare a "watermark" on the source or a transform before, so that keys are remembered'
        : undefined,
    reads: (_, c, wanted) => ({ main: [...wanted, ...c.keys] }),
    errors: ["state-too-large"],
    limitFields: ["stateBytesMax"],
    examples: [
      { title: "The first flash of every quality", data: "glm-minute", config: { keys: ["quality_flag"] } },
      { title: "One flash per place", data: "glm-minute", config: { keys: ["flash_lon", "flash_lat"] } },
    ],
    create: (c, { operatorId, memoryBytesMax, tempDirectory, eventTime }) => {
      if (eventTime !== undefined) {
        const keys = (schema: Schema): Column[] => plainColumns(schema).pick(c.keys, "/keys");
        const plan = { keys, output: plainColumns, eventTime, isWithinWatermark: c.withinWatermark };
        const { stateBytesMax } = c;
        return new KeptKeys(plan, { operatorId, stateBytesMax, things: "keys", advice: adviceOn(c) });
      }
      const columns = perSchema((schema) => plainColumns(schema!));
      return {
        async *apply(rows, { signal }) {
          const input = await knownRows(rows);
          if (input === null) return;
          const rowNumber = freeName("row_number", input.schema);
          const sql = query(input.schema, c.keys, quoted(rowNumber));
          // Rows have numbers, which put them in order whatever thread reads them.
          const options = { signal, memoryBytesMax, tempDirectory, ordered: false };
          yield* runQuery({ input: { ...input, rowNumber } }, sql, columns(input.schema), options);
        },
      };
    },
  }),
  () => Promise.resolve(batches),
);

/** What makes the state smaller. */
function adviceOn({ withinWatermark }: Config): string {
  return withinWatermark
    ? 'Let it forget sooner: shorten the delay of the watermark; "sferic why" tells what holds it back.'
    : "Let it forget: set withinWatermark, or have the column with the event time among the keys.";
}

function portSchemas(main: Schema, streaming: Streaming | undefined): PortSchemas {
  const result = { main: plainColumns(main) };
  return streaming?.eventTime === undefined ? result : { ...result, late: main, invalid: main };
}

function checkEventTime(main: Schema, { withinWatermark }: Config, streaming: Streaming | undefined): void {
  if (!withinWatermark || streaming === undefined) return;
  const { eventTime } = streaming;
  if (eventTime !== undefined && main.column(eventTime.column) !== undefined) return;
  const message =
    eventTime === undefined
      ? 'nothing says how long to remember rows: declare a "watermark" on the source or a transform before'
      : `the rows no longer have their event time "${eventTime.column}"; keep the column until here`;
  throw new ConfigError([{ code: "missing-watermark", message, pointer: "/withinWatermark" }]);
}

function query({ names }: Schema, keys: readonly string[], row: string): string {
  const first = `row_number() OVER (PARTITION BY ${keys.map(quoted).join(", ")} ORDER BY ${row}) = 1`;
  return `SELECT ${names.map(quoted).join(", ")} FROM input QUALIFY ${first} ORDER BY ${row}`;
}
