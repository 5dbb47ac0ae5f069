import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  type DeltaOrigin,
  type DeltaPosition,
  DeltaStream,
  type DeltaVersion,
  openDelta,
} from "@sferic/bindings/delta";
import {
  asOperatorError,
  type Bounds,
  ConfigError,
  defineSource,
  missingInputField,
  type Epoch,
  type Offset,
  type OperatorContext,
  OperatorError,
  type PlanContext,
  type ReadRequest,
  type Schema,
  type Source,
} from "@sferic/operator";
import { z } from "zod";

const config = z
  .strictObject({
    url: z.string().min(1).describe("Folder of the table; a path or a `file://` URL."),
    onMissingInput: missingInputField,
    version: z.int().min(0).optional().describe("Reads the table as it was at this version, and nothing after that."),
    timestamp: z.iso
      .datetime({ offset: true })
      .optional()
      .describe(
        "As `version`: the last one that was committed at or before this time, such as `2026-01-31T12:00:00Z`.",
      ),
    startAt: z
      .union([
        z.literal("earliest"),
        z.literal("latest"),
        z.strictObject({ version: z.int().min(0).describe("Number of a version.") }),
      ])
      .default("earliest")
      .describe(
        "Where a stream begins: `earliest` with all rows that are there, `latest` with the next ones, `{ version: n }` with those that version n added.",
      ),
    onChange: z
      .enum(["stop", "skip"])
      .default("stop")
      .describe(
        "What becomes of versions that delete or rewrite rows: they end the run, or are passed over together with what they add.",
      ),
  })
  .refine(({ version, timestamp }) => version === undefined || timestamp === undefined, {
    error: 'takes either "version" or "timestamp"',
  })
  .refine(({ version, timestamp, startAt }) => startAt === "earliest" || (version ?? timestamp) === undefined, {
    error: 'takes "startAt" only without "version" and "timestamp", which are read whole',
  });

type Config = z.output<typeof config>;

/** Offset: the table by its id, where the stream began, and how far it got. */
type DeltaOffset = DeltaPosition & DeltaOrigin & { readonly table: string };

/**
 * Rows of a Delta Lake table on a local disk. As a stream, the rows that are there and then what each version adds; versions
 * that only rearrange files are passed over. The columns are those of the table; with a checkpoint they stay what they
 * were when it began. A table that was made anew, and files that were vacuumed before they were read, end the run.
 */
export const delta = defineSource({
  type: "delta",
  since: "0.1.0",
  status: "experimental",
  summary: "Read a Delta Lake table, as of a version or as a stream of what is added.",
  config,
  bounds: () => ["filesPerEpoch", "bytesPerEpoch"],
  errors: [
    "missing-input",
    "no-version",
    "source-changed",
    "data-gone",
    "schema-mismatch",
    "unsupported-table",
    "invalid-table",
  ],
  examples: [
    { title: "A table, and what is added to it", config: { url: "./lake/points" } },
    { title: "A table as it was", config: { url: "./lake/points", version: 0 } },
  ],
  positionFields: ["url", "version", "timestamp", "startAt"],
  missing: async (c, context) => {
    const table = localPath(c.url, context);
    if (existsSync(join(table, "_delta_log")) && (await openDelta(table)) !== null) return null;
    return { place: `Delta table in ${table}`, pointer: "/url", onMissingInput: c.onMissingInput };
  },
  output: async (c, context) => ({ main: await planSchema(c, context) }),
  create: (c, context) => new DeltaSource(c, context),
});

async function planSchema(c: Config, context: PlanContext): Promise<Schema | null> {
  const table = localPath(c.url, context);
  if (!context.probe) return context.pinned ?? null;
  const found = await openAt(table, c).catch((thrown: unknown) => {
    const { code, message } = asOperatorError(thrown);
    if (code !== "no-version") throw thrown;
    const pointer = c.version === undefined ? "/timestamp" : "/version";
    throw new ConfigError([{ code, message, pointer }]);
  });
  const schema = context.pinned ?? found?.schema ?? null;
  if (schema !== null) context.pin?.(schema);
  return schema;
}

function openAt(table: string, { version, timestamp }: Config): Promise<DeltaVersion | null> {
  const at = version === undefined ? {} : { version };
  return openDelta(table, timestamp === undefined ? at : { timeMs: Date.parse(timestamp) });
}

class DeltaSource implements Source {
  readonly #config: Config;
  readonly #table: string;
  readonly #request: ReadRequest;
  readonly #stream: DeltaStream;
  /** Whether only one version is read. */
  readonly #isFixed: boolean;
  /** Behind an offset, as text, there are no rows up to here: these versions need not be looked at again. */
  #passed: { readonly behind: string; readonly position: DeltaPosition } | null = null;

  constructor(c: Config, context: OperatorContext) {
    this.#config = c;
    this.#table = localPath(c.url, context);
    this.#request = context.request ?? { conditions: [] };
    this.#stream = new DeltaStream(this.#table, c.onChange === "skip");
    this.#isFixed = (c.version ?? c.timestamp) !== undefined;
  }

  async latestOffset(previous: Offset | null, bounds: Bounds, until?: Offset): Promise<Offset | null> {
    const [before, last] = [previous, until ?? null] as unknown as [DeltaOffset | null, DeltaOffset | null];
    const found = await openAt(this.#table, this.#config);
    if (found === null) throw missing(this.#table);
    const begun = before ?? last;
    if (begun !== null && begun.table !== found.id) throw madeAnew(this.#table);
    if (before === null && this.#config.startAt === "latest") {
      return (until ?? { table: found.id, version: found.version, after: found.version }) as Offset;
    }
    const origin = begun === null ? this.#originAt(found.version) : originOf(begun);
    const limit = last ?? { version: this.#isFixed && "whole" in origin ? origin.whole : found.version };
    const behind = JSON.stringify(before);
    const from = this.#passed?.behind === behind ? this.#passed.position : positionOf(before);
    const range = await this.#stream.nextRange(origin, from, positionOf(limit)!, {
      ...(bounds.filesPerEpoch === undefined ? {} : { files: bounds.filesPerEpoch }),
      ...(bounds.bytesPerEpoch === undefined ? {} : { bytes: bounds.bytesPerEpoch }),
    });
    if (range === null) return null;
    if (range.files === 0) {
      if (before !== null) this.#passed = { behind, position: range.end };
      return null;
    }
    return { table: found.id, ...range.end, ...origin };
  }

  async *read(start: Offset | null, end: Offset, { signal }: Epoch): ReturnType<Source["read"]> {
    const to = end as unknown as DeltaOffset;
    const from = positionOf(start as unknown as DeltaOffset | null);
    for await (const output of this.#stream.read(originOf(to), from, positionOf(to)!, this.#request, signal)) {
      if ("invalid" in output) throw unreadable(this.#table, output.invalid);
      yield output;
    }
  }

  async close(): Promise<void> {
    this.#stream[Symbol.dispose]();
  }

  #originAt(newest: number): DeltaOrigin {
    const { startAt } = this.#config;
    return typeof startAt === "object" ? { after: startAt.version - 1 } : { whole: newest };
  }
}

function originOf(offset: DeltaOffset): DeltaOrigin {
  return "whole" in offset ? { whole: offset.whole } : { after: offset.after };
}

function positionOf(offset: DeltaPosition | null): DeltaPosition | null {
  if (offset === null) return null;
  const { version, files } = offset;
  return files === undefined ? { version } : { version, files };
}

function localPath(url: string, context: Pick<PlanContext, "resolvePath">): string {
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined || scheme === "file") return context.resolvePath(url);
  const message = `tables cannot be read from "${scheme}://" yet; give a local path or a file:// URL`;
  throw new ConfigError([{ code: "unsupported-url", message, pointer: "/url" }]);
}

function missing(table: string): OperatorError {
  const message = `There is no Delta table in ${table}. Check the path, or start what writes the table first.`;
  return new OperatorError({ code: "missing-input", message, domain: "external", details: { path: table } });
}

function madeAnew(table: string): OperatorError {
  const message = `The Delta table in ${table} is another one than was read before: it was made anew. Start anew with an empty checkpoint.`;
  return new OperatorError({ code: "source-changed", message, domain: "external", details: { path: table } });
}

function unreadable(table: string, { name, reason }: { name: string; reason: string }): OperatorError {
  const message = `${name} of the Delta table in ${table} cannot be read: ${reason}`;
  return new OperatorError({ code: "invalid-table", message, domain: "external", details: { path: table } });
}
