import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { checksumFile } from "@sferic/bindings/formats";
import {
  type Batch,
  ConfigError,
  defineSink,
  type Epoch,
  type Json,
  type OperatorContext,
  type Published,
  type Row,
  rowsOf,
  type Schema,
  type Sink,
  type Staged,
} from "@sferic/operator";
import { z } from "zod";
import { LiveTable } from "./console/live-table.ts";
import { Screen } from "./console/screen.ts";
import { textTable } from "./console/text-table.ts";
import { requireStaged, type StagedContent } from "./staged-file.ts";

const config = z.strictObject({
  format: z
    .strictObject({ type: z.enum(["table", "json"]).describe("`table` for people, `json` for programs.") })
    .default({ type: "table" })
    .describe('`{ "type": "json" }` prints one line `{ "sink", "epoch", "row" }` per row.'),
  rowsMax: z
    .int()
    .min(0)
    .optional()
    .describe(
      "Most rows to print per epoch, or to show in a table that is redrawn; 20 for tables, all for JSON when left out.",
    ),
  keys: z
    .array(z.string())
    .min(1)
    .optional()
    .describe("Columns that tell rows apart: on a terminal a row takes the place of the one before that has the same."),
});

type Config = z.output<typeof config>;

const tableRowsMax = 20;

/**
 * Prints rows to standard output, epoch by epoch. On a terminal, a table of rows that change is redrawn in its place, with how
 * many windows are open and the watermark; windows that are complete are dim. That is so with the output modes `update` and
 * `complete`, and with `keys`. Lines are cut to the width of the terminal. Elsewhere, with `TERM=dumb` and with
 * `CI`, every epoch is a table below the one before.
 */
export const console = defineSink({
  type: "console",
  since: "0.1.0",
  status: "stable",
  summary: "Print rows to standard output.",
  delivery: {
    guarantee: "at-least-once",
    why: "what is printed cannot be taken back: an epoch that is published again is printed again",
  },
  config,
  outputModes: () => ["update", "complete"],
  errors: ["staged-missing"],
  examples: [
    { title: "Lines of JSON", config: { format: { type: "json" } } },
    { title: "The ten newest rows, redrawn in their place", config: { keys: ["x"], rowsMax: 10 } },
  ],
  accept: ({ main }, c) => checkKeys(main!, c),
  create: createConsole,
});

function checkKeys(main: Schema, { keys, format }: Config): void {
  if (keys === undefined) return;
  main.require(keys, "any", "/keys");
  if (format.type === "table") return;
  const message = 'lines of JSON are never redrawn; leave "keys" out, or print a table';
  throw new ConfigError([{ code: "keys-without-table", message, pointer: "/keys" }]);
}

const screen = new Screen(process.stdout, process.env);

function createConsole(c: Config, context: OperatorContext): Sink {
  return c.format.type === "json" ? new LineSink(c, context) : new TableSink(c, context);
}

/** Keeps what an epoch is to print in a file until it is printed. */
abstract class PrintingSink implements Sink {
  protected readonly context: OperatorContext;

  constructor(context: OperatorContext) {
    this.context = context;
  }

  abstract stage(batches: AsyncIterable<Batch>, epoch: Epoch): Promise<Staged | null>;

  /** Prints what was kept. */
  protected abstract print(kept: string, epoch: Epoch): void;

  async publish({ record }: Staged, epoch: Epoch): Promise<Published> {
    const path = this.#path(epoch.id);
    await requireStaged(path, record as unknown as StagedContent | null);
    this.print(await readFile(path, "utf8"), epoch);
    return { files: [] };
  }

  discard(epoch: number): Promise<void> {
    return rm(this.#path(epoch), { force: true });
  }

  /** Resolves to what the prepared record says of it. */
  protected async keep(text: string, { id }: Epoch): Promise<Json> {
    await writeFile(this.#path(id), text, { flush: true });
    return { ...(await checksumFile(this.#path(id))) };
  }

  #path(epoch: number): string {
    return join(this.context.scratchDirectory, `${epoch}.txt`);
  }
}

class LineSink extends PrintingSink {
  readonly #rowsMax: number;

  constructor({ rowsMax = Number.POSITIVE_INFINITY }: Config, context: OperatorContext) {
    super(context);
    this.#rowsMax = rowsMax;
  }

  async stage(batches: AsyncIterable<Batch>, epoch: Epoch): Promise<Staged | null> {
    const { rows, count } = await firstRows(batches, this.#rowsMax);
    if (count === 0) return null;
    const sink = this.context.operatorId;
    const text = rows.map((row) => `${JSON.stringify({ sink, epoch: epoch.id, row })}\n`).join("");
    return { rows: count, record: await this.keep(text, epoch) };
  }

  protected print(kept: string): void {
    screen.write(kept);
  }
}

class TableSink extends PrintingSink {
  readonly #rowsMax: number;
  /** Null where every epoch is printed below the one before. */
  readonly #live: LiveTable | null;
  #shownWatermarkMs: number | undefined;

  constructor({ keys, rowsMax = tableRowsMax }: Config, context: OperatorContext) {
    super(context);
    this.#rowsMax = rowsMax;
    const changes = keys !== undefined || (context.outputMode ?? "append") !== "append";
    // A complete result has every row once.
    const told = context.outputMode === "complete" ? [] : (keys ?? []);
    this.#live = changes && screen.isLive ? new LiveTable(context.operatorId, told, rowsMax) : null;
  }

  async stage(batches: AsyncIterable<Batch>, epoch: Epoch): Promise<Staged | null> {
    const read = this.#live === null ? firstRows : lastRows;
    const { rows, count } = await read(batches, this.#rowsMax);
    const hasMoved = this.#live !== null && epoch.watermark?.nowMs !== this.#shownWatermarkMs;
    if (count === 0 && !hasMoved) return null;
    return { rows: count, record: await this.keep(JSON.stringify({ rows, count }), epoch) };
  }

  protected print(kept: string, epoch: Epoch): void {
    const { rows, count } = JSON.parse(kept) as RowsOfMany;
    if (this.#live === null) {
      screen.write(textTable(rows, `${this.context.operatorId}, epoch ${epoch.id}: ${count} rows`, count));
      return;
    }
    this.#live.take(rows, count);
    screen.draw(this, this.#live.lines(epoch, screen.lines));
    this.#shownWatermarkMs = epoch.watermark?.nowMs;
  }
}

/** Some of `count` rows. */
interface RowsOfMany {
  readonly rows: Row[];
  readonly count: number;
}

async function firstRows(batches: AsyncIterable<Batch>, limit: number): Promise<RowsOfMany> {
  const rows: Row[] = [];
  let count = 0;
  for await (const batch of batches) {
    rows.push(...rowsOf(batch, limit - rows.length));
    count += batch.rowCount;
    batch.close();
  }
  return { rows, count };
}

async function lastRows(batches: AsyncIterable<Batch>, limit: number): Promise<RowsOfMany> {
  let rows: Row[] = [];
  let count = 0;
  for await (const batch of batches) {
    rows = [...rows, ...rowsOf(batch, limit, Math.max(0, batch.rowCount - limit))].slice(-limit);
    count += batch.rowCount;
    batch.close();
  }
  return { rows, count };
}
